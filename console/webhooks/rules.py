"""What the headers of each webhook look like, for people: their names, their form, and when they say they were made."""

import re
from collections.abc import Callable, Mapping

import msgspec

Headers = Mapping[str, str]


class Rule(msgspec.Struct, frozen=True):
    """`headers` are needed, `form` says in words what they look like, and `signed_at` finds the time (s) in them.

    `tolerance_variable` is the setting that says how old that may be.
    """

    headers: tuple[str, ...]
    form: str
    signed_at: Callable[[Headers], int | None] = lambda _headers: None
    tolerance_variable: str = ""


def _tiktok_time(headers: Headers) -> int | None:
    found = re.search(r"(?:^|,)\s*t=([0-9]{1,12})\s*(?:,|$)", headers.get("tiktok-signature", ""))
    return int(found[1]) if found else None


def _standard_time(headers: Headers) -> int | None:
    written = headers.get("webhook-timestamp", "")
    return int(written) if re.fullmatch("[0-9]{1,12}", written) else None


RULES: Mapping[str, Rule] = {
    "facebook": Rule(
        ("X-Hub-Signature-256",),
        "X-Hub-Signature-256: sha256= and 64 hex digits in lower case, without blanks or quotes",
    ),
    "tiktok": Rule(
        ("TikTok-Signature",),
        "TikTok-Signature: t=, seconds since 1970 in plain digits, a comma, s=, and 64 hex digits in lower case",
        _tiktok_time,
        "TIKTOK_SIGNATURE_TOLERANCE_SECONDS",
    ),
    "tiktok-shop": Rule(
        ("Authorization",),
        "Authorization: 64 hex digits in lower case and nothing else, not even Bearer",
    ),
    "custom": Rule(
        ("webhook-id", "webhook-timestamp", "webhook-signature"),
        "webhook-id: visible ASCII characters; webhook-timestamp: seconds since 1970 in plain digits; "
        "webhook-signature: v1, and base64, several of them with one blank between",
        _standard_time,
        "WEBHOOK_TOLERANCE_SECONDS",
    ),
}
"""By the webhook's name."""

TOKEN = Rule(("Authorization",), "Authorization: Bearer, one blank and the token")
"""Of a sender that has no key to sign with."""
