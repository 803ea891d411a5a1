"""Does a body come from Meta? `X-Hub-Signature-256`: HMAC-SHA256 over the raw bytes, keyed with the app's secret."""

import hmac
import re

import msgspec

from pipeline.events.webhook import Refusal, WebhookRequest

_HEADER = "x-hub-signature-256"
_SIGNATURE = re.compile(rb"sha256=[0-9a-f]{64}", re.ASCII)


class FacebookCredentials(msgspec.Struct, frozen=True):
    """What Meta's webhooks are checked with. Without a secret nothing is believed."""

    facebook_app_secrets: tuple[str, ...] = ()
    """App secrets that sign deliveries; two at once while one replaces the other."""
    facebook_verify_token: str = ""
    """The token that the subscription's handshake must show."""


def knows(credentials: FacebookCredentials, _sender: str) -> bool:
    """Whether there is a secret at all. An empty one counts for none: anybody could sign with it."""
    return any(credentials.facebook_app_secrets)


def verify(credentials: FacebookCredentials, request: WebhookRequest) -> Refusal | None:
    """Why the delivery is not believed, or None.

    The older header `X-Hub-Signature` (SHA-1) is never looked at, so that nobody can choose the weaker one. Every
    secret is compared, so that the time tells nothing of which one fits.
    """
    signature = request.headers.get(_HEADER)
    if not signature:
        return Refusal.SIGNATURE_MISSING
    # As bytes: compare_digest raises on text beyond ASCII.
    given = signature.encode("utf-8", "surrogatepass")
    if not _SIGNATURE.fullmatch(given):
        return Refusal.SIGNATURE_MALFORMED
    fits = False
    for secret in filter(None, credentials.facebook_app_secrets):
        key = secret.encode("utf-8", "surrogatepass")
        expected = b"sha256=" + hmac.new(key, request.body, "sha256").hexdigest().encode()
        fits |= hmac.compare_digest(expected, given)
    return None if fits else Refusal.SIGNATURE_INVALID
