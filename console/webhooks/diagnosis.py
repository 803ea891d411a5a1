"""Why a delivery is believed or not, in words."""

import hmac
from collections.abc import Iterator, Sequence

import msgspec

from console import words
from console.webhooks.doors import Door, texts_of
from console.webhooks.rules import RULES, TOKEN, Rule
from console.webhooks.variants import bodies_like, secrets_like
from pipeline.events.webhook import Refusal, WebhookRequest

_SIGNING_PREFIX = "whsec_"


class Diagnosis(msgspec.Struct, frozen=True):
    """`reason` is the one that `webhook_refusals_total` counts, empty for a delivery that is valid."""

    valid: bool
    reason: str
    finding: str
    hints: list[str] = []


def diagnose(door: Door, request: WebhookRequest, twice: Sequence[str], others: Sequence[Door]) -> Diagnosis:
    """The verdict of the webhook's own code, with an explanation. `twice` are headers that came more than once, and
    `others` are doors whose secrets may have been taken for this one's."""
    if not door.is_configured:
        status = "404 unknown-sender" if door.webhook.any_sender else "503 not-configured"
        finding = f"Nothing is configured for {door.path}. Without a value: {', '.join(door.missing)}."
        return Diagnosis(False, "not_configured", finding, [f"The gateway answers {status}."])
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        finding = "The delivery is compressed, and what was signed are other bytes: the gateway answers 415."
        return Diagnosis(
            False, "unsupported_media_type", finding, ["Providers do not compress; a proxy may."]
        )
    refusal = door.webhook.verify(door.credentials, request)
    if refusal is None:
        return Diagnosis(True, "", f"The signature is right: {_which_secret(door, request)}.")
    explain = {
        Refusal.SIGNATURE_MISSING: _missing,
        Refusal.SIGNATURE_MALFORMED: _malformed,
        Refusal.SIGNATURE_INVALID: _invalid,
        Refusal.SIGNATURE_STALE: _stale,
    }[refusal]
    finding, *hints = explain(door, request, twice, others)
    return Diagnosis(False, refusal.value, finding, hints)


def _which_secret(door: Door, request: WebhookRequest) -> str:
    total = len(door.secrets)
    for number, secret in enumerate(door.secrets, start=1):
        if _is_signed(door, request, secret):
            of_whom = f" for {door.sender}" if door.webhook.any_sender else ""
            return f"secret {number} of {total}{of_whom} in {door.secrets_variable}"
    return "which of the secrets, nobody can tell"


def _is_signed(door: Door, request: WebhookRequest, *secrets: str) -> bool:
    """Whether one of these secrets signed it, whenever that was."""
    try:
        credentials = door.with_secrets(*secrets)
    except ValueError:
        return False
    return door.webhook.verify(credentials, request) in (None, Refusal.SIGNATURE_STALE)


def _rule(door: Door) -> Rule:
    shows_tokens = door.webhook.any_sender and not any(
        secret.partition(":")[2].strip().startswith(_SIGNING_PREFIX) for secret in door.secrets
    )
    return TOKEN if shows_tokens else RULES[door.webhook.name]


def _missing(
    door: Door, request: WebhookRequest, twice: Sequence[str], _others: Sequence[Door]
) -> Iterator[str]:
    rule = _rule(door)
    needed = [name for name in rule.headers if not request.headers.get(name.lower())]
    # A sender with a key and a token may show either.
    yield f"The header {' and the header '.join(needed or rule.headers)} is missing."
    for name in needed:
        if name.lower() in twice:
            yield f"{name} came more than once: the gateway takes none of them, because it cannot know which was meant."
    if door.webhook.name == "facebook" and "x-hub-signature" in request.headers:
        yield (
            "X-Hub-Signature is there, which is SHA-1 and never enough. Meta sends X-Hub-Signature-256 beside it: "
            "something on the way removes it."
        )
        if _is_signed_with_sha1(door, request):
            yield "That one is right, so the secret and the body are."
    yield f"Expected: {rule.form}."
    yield "If the sender does send it, a proxy on the way removes it."


def _malformed(
    door: Door, request: WebhookRequest, _twice: Sequence[str], _others: Sequence[Door]
) -> Iterator[str]:
    rule = _rule(door)
    values = [request.headers.get(name.lower(), "") for name in rule.headers]
    yield f"The header {' or '.join(rule.headers)} has not the form that it must have."
    yield f"Expected: {rule.form}."
    yield from dict.fromkeys(hint for value in values for hint in _oddities(door, value))


def _oddities(door: Door, value: str) -> Iterator[str]:
    """What can be said of a value without showing it."""
    if value.strip("\"'") != value:
        yield "There are quotes around the value."
    if value.strip() != value:
        yield "There is white space around the value."
    if value.lower().startswith("sha1="):
        yield "It is a SHA-1 signature: the one of X-Hub-Signature, in the wrong header."
    if value.lower().startswith("bearer ") and door.webhook.name == "tiktok-shop":
        yield "It begins with Bearer: TikTok Shop sends the bare digest."
    if value != value.lower() and door.webhook.name != "custom":
        yield "It has capitals: the providers write hex digits in lower case."


def _invalid(
    door: Door, request: WebhookRequest, _twice: Sequence[str], others: Sequence[Door]
) -> Iterator[str]:
    rule = _rule(door)
    if rule is TOKEN:
        yield f"The header has the right form, but {_none_of(door)} is this token."
        yield "A token is compared character by character: look for white space or quotes around either."
        return
    yield (
        f"The signature has the right form, but {_none_of(door)} makes it over this body of "
        f"{len(request.body):,} bytes."
    )
    if found := next(_explanations(door, request, others), None):
        yield f"Found it: {found}."
        return
    if door.webhook.name == "tiktok-shop":
        yield "TIKTOK_SHOP_APP_KEY is part of what is signed: it must be the key of the same app."
    yield "The secret may be that of another app: compare the one in the provider's dashboard with the one here."
    yield (
        "The body may have been changed on the way: it must be the bytes that were signed, before anybody "
        "parsed, decoded or decompressed them."
    )
    yield (
        "Tried in vain: a newline more or less at the end, other line ends, the same JSON as other programs write it, "
        "white space and quotes around the secret, the secrets of the other webhooks."
    )


def _none_of(door: Door) -> str:
    count, variable = len(door.secrets), door.secrets_variable
    of_whom = f" of {door.sender}" if door.webhook.any_sender else ""
    return f"{'not the one secret' if count == 1 else f'none of the {count} secrets'}{of_whom} in {variable}"


def _is_signed_with_sha1(door: Door, request: WebhookRequest) -> bool:
    given = request.headers["x-hub-signature"].encode()
    digests = (hmac.new(each.encode(), request.body, "sha1").hexdigest() for each in door.secrets)
    return any(hmac.compare_digest(f"sha1={digest}".encode(), given) for digest in digests)


def _explanations(door: Door, request: WebhookRequest, others: Sequence[Door]) -> Iterator[str]:
    for body, mistake in bodies_like(request.body):
        if _is_signed(door, msgspec.structs.replace(request, body=body), *door.secrets):
            yield mistake
    for secret in door.secrets:
        for spelling, mistake in secrets_like(secret):
            if _is_signed(door, request, spelling):
                yield mistake
    for variable, secret in _secrets_of_others(door, others):
        if _is_signed(door, request, secret):
            yield f"it was signed with the value of {variable}"


def _secrets_of_others(door: Door, others: Sequence[Door]) -> Iterator[tuple[str, str]]:
    """Everything else that is configured, as a secret of this door."""
    for other in others:
        for variable, texts in texts_of(other.credentials):
            for each in texts:
                if each not in door.secrets:
                    secret = each.partition(":")[2] if other.webhook.any_sender else each
                    yield variable, f"{door.sender}:{secret}" if door.webhook.any_sender else secret


def _stale(
    door: Door, request: WebhookRequest, _twice: Sequence[str], _others: Sequence[Door]
) -> Iterator[str]:
    rule = _rule(door)
    signed_at = rule.signed_at(request.headers)
    tolerance: int = getattr(door.credentials, rule.tolerance_variable.lower(), 0)
    seconds = int(request.received_at.timestamp()) - (signed_at or 0)
    when = f"{words.duration(abs(seconds))} {'old' if seconds > 0 else 'ahead of this clock'}"
    yield (
        f"The signature is right ({_which_secret(door, request)}), but it is {when}; "
        f"{rule.tolerance_variable} allows {tolerance} s."
    )
    if seconds > 0:
        yield "A delivery that was recorded is judged as it was when it came with --received-at."
        yield "If it came just now, one of the clocks is slow or fast: compare `date -u` here and at the sender."
        yield "If the sender tries again with the old signature, it must sign every attempt anew."
    else:
        yield "One of the clocks is wrong: compare `date -u` here and at the sender."
