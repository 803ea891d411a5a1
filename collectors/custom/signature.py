"""Does a delivery come from the sender that its path names? By Standard Webhooks signature, or by bearer token.

Our own verifier, because libraries raise on headers that nobody's sender would write but anybody can; and stricter
where that costs no honest sender anything: plain digits for the time, and exactly the base64 that the signature has.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256

from collectors.custom.credentials import CustomCredentials, SenderSecrets, secrets_by_sender
from pipeline.events.webhook import Refusal, WebhookRequest

SIGNATURE_HEADER = "webhook-signature"
ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"

WEBHOOK_ID = re.compile(r"[!-~](?:[ -~]{0,254}[!-~])?", re.ASCII)
"""Text that a header carries as it is."""

SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
"""Plain digits: no sign, no underscore, no blank, and few enough for any arithmetic."""


_MAX_SIGNATURES_LENGTH = 4096
"""Some 40 signatures: more would be work that anybody can ask for."""


def knows(credentials: CustomCredentials, sender: str) -> bool:
    """Whether there is a secret for this sender."""
    return sender in secrets_by_sender(credentials.webhook_secrets)


def verify(credentials: CustomCredentials, request: WebhookRequest) -> Refusal | None:
    """Why the delivery is not believed, or None. One right token or signature is enough; a sender that has both kinds
    of secret is on its way from one to the other."""
    secrets = secrets_by_sender(credentials.webhook_secrets).get(request.sender)
    if secrets is None:
        return Refusal.SIGNATURE_INVALID
    refusals: list[Refusal] = []
    for refusal in (
        _token_refusal(secrets, request.headers),
        _signature_refusal(secrets, request, credentials.webhook_tolerance_seconds),
    ):
        if refusal is None:
            return None
        refusals.append(refusal)
    # What is there and wrong tells more than what is missing.
    return next((refusal for refusal in refusals if refusal != Refusal.SIGNATURE_MISSING), refusals[0])


def _token_refusal(secrets: SenderSecrets, headers: Mapping[str, str]) -> Refusal | None:
    """`Authorization: Bearer <token>`."""
    header = headers.get("authorization")
    if not secrets.tokens or not header:
        return Refusal.SIGNATURE_MISSING
    scheme, _, token = header.strip(" \t").partition(" ")
    if scheme.lower() != "bearer":
        return Refusal.SIGNATURE_MALFORMED
    # Digests have one length: the time tells nothing of that of a token.
    given = sha256(_as_bytes(token.strip(" \t"))).digest()
    fits = False
    for known in secrets.tokens:
        fits |= hmac.compare_digest(sha256(known).digest(), given)
    return None if fits else Refusal.SIGNATURE_INVALID


def _signature_refusal(
    secrets: SenderSecrets, request: WebhookRequest, tolerance_seconds: int
) -> Refusal | None:
    """`webhook-signature: v1,<base64> v1,<base64> …` over id, time and body, one of them with one of our keys.

    Signatures of other versions are passed over. That a signature is too old, or too far ahead, is told only of one
    that is right: of a forged one it means nothing.
    """
    headers = request.headers
    identity, seconds = headers.get(ID_HEADER), headers.get(TIMESTAMP_HEADER)
    signatures = headers.get(SIGNATURE_HEADER)
    if not (secrets.keys and identity and seconds and signatures):
        return Refusal.SIGNATURE_MISSING
    if len(signatures) > _MAX_SIGNATURES_LENGTH:
        return Refusal.SIGNATURE_MALFORMED
    versioned = (signature.partition(",") for signature in signatures.split(" "))
    given = [_as_bytes(signature) for version, _, signature in versioned if version == "v1"]
    if not given or not WEBHOOK_ID.fullmatch(identity) or not SECONDS.fullmatch(seconds):
        return Refusal.SIGNATURE_MALFORMED
    signed = b"%b.%b.%b" % (identity.encode(), seconds.encode(), request.body)
    fits = False
    for key in secrets.keys:
        expected = b64encode(hmac.new(key, signed, "sha256").digest())
        for signature in given:
            fits |= hmac.compare_digest(expected, signature)
    if not fits:
        return Refusal.SIGNATURE_INVALID
    # Whole seconds, as the sender counts them: the edge of the tolerance is inside.
    age_seconds = int(request.received_at.timestamp()) - int(seconds)
    return Refusal.SIGNATURE_STALE if abs(age_seconds) > tolerance_seconds else None


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
