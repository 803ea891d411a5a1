"""Signs bodies as the providers do: from what they publish, without a look at the code that checks it."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping

import msgspec

from publisher.senders.update import Delivery


class Credentials(msgspec.Struct, frozen=True):
    """What a delivery is signed with. `name` is the TikTok Shop's app key, or the sender of Standard Webhooks."""

    secret: str
    name: str = ""

    def __repr__(self) -> str:
        return "Credentials(…)"


def sign_as_meta(credentials: Credentials, _delivery: Delivery, body: bytes, _now: int) -> Mapping[str, str]:
    """`X-Hub-Signature-256`, and the older `X-Hub-Signature` that Meta still sends."""
    key = credentials.secret.encode()
    return {
        "X-Hub-Signature": f"sha1={hmac.new(key, body, 'sha1').hexdigest()}",
        "X-Hub-Signature-256": f"sha256={hmac.new(key, body, 'sha256').hexdigest()}",
        "User-Agent": "facebookexternalua",
    }


def sign_as_tiktok(credentials: Credentials, _delivery: Delivery, body: bytes, now: int) -> Mapping[str, str]:
    """`TikTok-Signature`, with the time of this attempt (s)."""
    return {"TikTok-Signature": f"t={now},s={_hex(credentials.secret, b'%d.%b' % (now, body))}"}


def sign_as_shop(credentials: Credentials, _delivery: Delivery, body: bytes, _now: int) -> Mapping[str, str]:
    """`Authorization`, over the app's key and the body."""
    return {"Authorization": _hex(credentials.secret, credentials.name.encode() + body)}


def sign_as_standard(
    credentials: Credentials, delivery: Delivery, body: bytes, now: int
) -> Mapping[str, str]:
    """The three headers of Standard Webhooks: the id stays, the time is that of this attempt (s)."""
    key = b64decode(credentials.secret.removeprefix("whsec_"))
    signed = f"{delivery.webhook_id}.{now}.".encode() + body
    signature = b64encode(hmac.new(key, signed, "sha256").digest()).decode()
    return {
        "webhook-id": delivery.webhook_id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }


def _hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, "sha256").hexdigest()
