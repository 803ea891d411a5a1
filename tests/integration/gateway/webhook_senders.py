"""Signs bodies as the providers do, with secrets of the tests' own."""

import base64
import hmac
import time

FACEBOOK_SECRET = "an-app-secret-of-meta"
VERIFY_TOKEN = "a-token-that-only-meta-knows"
TIKTOK_SECRET = "a-client-secret-of-tiktok"
SHOP_KEY = "a-shop-key"
SHOP_SECRET = "a-shop-secret"
SENDER = "acme"
SENDER_KEY = bytes(range(32))

CREDENTIALS = {
    "FACEBOOK_APP_SECRETS": FACEBOOK_SECRET,
    "FACEBOOK_VERIFY_TOKEN": VERIFY_TOKEN,
    "TIKTOK_CLIENT_SECRETS": TIKTOK_SECRET,
    "TIKTOK_SHOP_APP_KEY": SHOP_KEY,
    "TIKTOK_SHOP_APP_SECRETS": SHOP_SECRET,
    "WEBHOOK_SECRETS": f"{SENDER}:whsec_{base64.b64encode(SENDER_KEY).decode()}",
}


def _hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, "sha256").hexdigest()


def facebook(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={_hex(FACEBOOK_SECRET, body)}"}


def tiktok(body: bytes, *, seconds_ago: int = 0) -> dict[str, str]:
    at = int(time.time()) - seconds_ago
    return {"TikTok-Signature": f"t={at},s={_hex(TIKTOK_SECRET, b'%d.%b' % (at, body))}"}


def tiktok_shop(body: bytes) -> dict[str, str]:
    return {"Authorization": _hex(SHOP_SECRET, SHOP_KEY.encode() + body)}


def standard(body: bytes, webhook_id: str, *, seconds_ago: int = 0) -> dict[str, str]:
    at = str(int(time.time()) - seconds_ago)
    signed = f"{webhook_id}.{at}.".encode() + body
    digest = base64.b64encode(hmac.new(SENDER_KEY, signed, "sha256").digest()).decode()
    return {"webhook-id": webhook_id, "webhook-timestamp": at, "webhook-signature": f"v1,{digest}"}


SIGNERS = {"facebook": facebook, "tiktok": tiktok, "tiktok-shop": tiktok_shop}
"""By the name of the door."""
