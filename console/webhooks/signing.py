"""Signs a body for trying out, as its provider would. `command.py` has the webhook itself judge the result."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping

import msgspec

from console.webhooks.doors import Door

_SIGNING_PREFIX = "whsec_"


class CannotSign(Exception):
    """There is no secret that could sign, and why."""


def sign(door: Door, body: bytes, now: int, number: int) -> dict[str, str]:
    """The headers that its provider sends with this body at that time (s), with secret `number`, from 1 on.

    Raises CannotSign.
    """
    try:
        secret = door.secrets[number - 1]
    except IndexError:
        raise CannotSign(f"{door.secrets_variable} has {len(door.secrets)} secrets for it") from None
    signer = SIGNERS.get(door.webhook.name)
    if signer is None:
        raise CannotSign(f"nobody here knows how {door.webhook.name} signs")
    return signer(door, secret, body, now)


def _facebook(_door: Door, secret: str, body: bytes, _now: int) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={_hex(secret, body)}"}


def _tiktok(_door: Door, secret: str, body: bytes, now: int) -> dict[str, str]:
    return {"TikTok-Signature": f"t={now},s={_hex(secret, b'%d.%b' % (now, body))}"}


def _tiktok_shop(door: Door, secret: str, body: bytes, _now: int) -> dict[str, str]:
    values: Mapping[str, str] = msgspec.structs.asdict(door.credentials)
    return {"Authorization": _hex(secret, values["tiktok_shop_app_key"].encode() + body)}


def _standard(_door: Door, entry: str, body: bytes, now: int) -> dict[str, str]:
    secret = entry.partition(":")[2].strip()
    if not secret.startswith(_SIGNING_PREFIX):
        raise CannotSign("its secret is a token, which is shown as it is: Authorization: Bearer <token>")
    identity = f"msg_{secrets.token_hex(8)}"
    key = b64decode(secret.removeprefix(_SIGNING_PREFIX))
    signed = f"{identity}.{now}.".encode() + body
    signature = b64encode(hmac.new(key, signed, "sha256").digest()).decode()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }


def _hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, "sha256").hexdigest()


SIGNERS: Mapping[str, Callable[[Door, str, bytes, int], dict[str, str]]] = {
    "facebook": _facebook,
    "tiktok": _tiktok,
    "tiktok-shop": _tiktok_shop,
    "custom": _standard,
}
