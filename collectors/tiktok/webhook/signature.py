"""Does a body come from TikTok? Each of its two platforms signs in a way of its own, over the raw bytes.

Signatures are compared as bytes, because `compare_digest` raises on text beyond ASCII, and with every secret, so that
the time tells nothing of which one fits.
"""

import hmac
import re

import msgspec

from pipeline.events.webhook import Refusal, WebhookRequest

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
"""Plain digits: no sign, no underscore, no blank, and few enough for any arithmetic."""

_MAX_HEADER_LENGTH = 1024


class TikTokCredentials(msgspec.Struct, frozen=True):
    """What TikTok for Developers and TikTok for Business sign with."""

    tiktok_client_secrets: tuple[str, ...] = ()
    """Client secrets of the apps; two at once while one replaces the other."""
    tiktok_signature_tolerance_seconds: int = 300
    """How far the time of a signature may lie from ours, in both directions. TikTok names no figure."""


class TikTokShopCredentials(msgspec.Struct, frozen=True):
    """What TikTok Shop signs with: both are needed."""

    tiktok_shop_app_key: str = ""
    """The app's key, which is part of what is signed."""
    tiktok_shop_app_secrets: tuple[str, ...] = ()
    """The app's secrets; two at once while one replaces the other."""


def knows(credentials: TikTokCredentials, _sender: str) -> bool:
    """Whether there is a secret at all. An empty one counts for none: anybody could sign with it."""
    return any(credentials.tiktok_client_secrets)


def knows_shop(credentials: TikTokShopCredentials, _sender: str) -> bool:
    """Whether the shop's app is configured."""
    return bool(credentials.tiktok_shop_app_key) and any(credentials.tiktok_shop_app_secrets)


def verify(credentials: TikTokCredentials, request: WebhookRequest) -> Refusal | None:
    """`TikTok-Signature: t=<unix seconds>,s=<hex HMAC-SHA256 of t + "." + body>`.

    That a signature is too old, or too far ahead, is told only of one that is right: of a forged one it means nothing.
    Nothing else of a delivery may be used for that: `create_time` is as old as the event.
    """
    header = request.headers.get("tiktok-signature")
    if not header:
        return Refusal.SIGNATURE_MISSING
    elements = _elements(header) if len(header) <= _MAX_HEADER_LENGTH else None
    if elements is None:
        return Refusal.SIGNATURE_MALFORMED
    seconds, digest = elements
    signed = b"%b.%b" % (seconds.encode(), request.body)
    if not _fits(credentials.tiktok_client_secrets, signed, digest):
        return Refusal.SIGNATURE_INVALID
    # Whole seconds, as the sender counts them: the edge of the tolerance is inside.
    age_seconds = int(request.received_at.timestamp()) - int(seconds)
    if abs(age_seconds) > credentials.tiktok_signature_tolerance_seconds:
        return Refusal.SIGNATURE_STALE
    return None


def verify_shop(credentials: TikTokShopCredentials, request: WebhookRequest) -> Refusal | None:
    """`Authorization: <hex HMAC-SHA256 of app key + body>`, the bare digest without a scheme.

    No time is signed. What is sent again is known by its notification id, and by nothing else.
    """
    header = request.headers.get("authorization")
    if not header:
        return Refusal.SIGNATURE_MISSING
    digest = header.strip(" \t")
    if not _DIGEST.fullmatch(digest):
        return Refusal.SIGNATURE_MALFORMED
    app_key = credentials.tiktok_shop_app_key
    if not app_key:
        return Refusal.SIGNATURE_INVALID
    signed = _as_bytes(app_key) + request.body
    return None if _fits(credentials.tiktok_shop_app_secrets, signed, digest) else Refusal.SIGNATURE_INVALID


def _elements(header: str) -> tuple[str, str] | None:
    """`t` and `s`, in any order, with blanks around them; None where one is missing, odd or there twice.

    Elements of other names are for versions to come.
    """
    found: dict[str, str] = {}
    for element in header.split(","):
        if not (trimmed := element.strip(" \t")):
            continue
        name, equals, value = trimmed.partition("=")
        if not equals or name in found:
            return None
        found[name] = value
    seconds, digest = found.get("t", ""), found.get("s", "")
    return (seconds, digest) if _SECONDS.fullmatch(seconds) and _DIGEST.fullmatch(digest) else None


def _fits(secrets: tuple[str, ...], signed: bytes, digest: str) -> bool:
    given = digest.encode()
    fits = False
    for secret in filter(None, secrets):
        expected = hmac.new(_as_bytes(secret), signed, "sha256").hexdigest().encode()
        fits |= hmac.compare_digest(expected, given)
    return fits


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
