"""Alerts as outgoing webhooks, signed as Standard Webhooks (https://www.standardwebhooks.com, version 1.0.0)."""

import base64
import binascii
import hashlib
import hmac
import time
from email.utils import parsedate_to_datetime

import httpx
import msgspec

from alerts.channels import DeliveryFailed, DeliveryRefused
from alerts.deliveries import Delivery
from alerts.settings import DeliverySettings
from pipeline.errors import ConfigurationError

_GONE = 410
_KEY_BYTES = range(24, 65)
_LONGEST_WAIT_SECONDS = 86_400.0


class WebhookChannel:
    """Posts `{"type": "alert.opened", "timestamp": …, "data": {…}}`. Any 2xx is a yes; redirects are not followed."""

    name = "webhook"

    def __init__(self, settings: DeliverySettings) -> None:
        """Raises ConfigurationError for a secret that is none."""
        self.attempts = settings.alert_delivery_attempts
        self._url = settings.alert_webhook_url
        self._key = signing_key(settings.alert_webhook_secret)
        self._client = httpx.AsyncClient(
            timeout=settings.alert_delivery_timeout_seconds, follow_redirects=False
        )

    async def deliver(self, delivery: Delivery) -> str:
        """One attempt. Its `webhook-id` is that of all attempts: a receiver that knows it has had the alert."""
        at = delivery.alert.opened_at if delivery.phase == "opened" else delivery.alert.cleared_at
        content = {"type": f"alert.{delivery.phase}", "timestamp": at, "data": delivery.alert}
        body = msgspec.json.encode(content)
        timestamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "sluice-alerts",
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._key, delivery.id, timestamp, body),
        }
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryFailed(f"{type(error).__name__}: {error}") from None
        if answer.status_code == _GONE:
            raise DeliveryRefused("the receiver answers 410: it is gone for good")
        if not answer.is_success:
            raise DeliveryFailed(f"the receiver answers {answer.status_code}", _retry_after(answer))
        return ""


def signing_key(secret: str) -> bytes:
    """The key in a secret `whsec_…`. Raises ConfigurationError."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith("whsec_") or len(key) not in _KEY_BYTES:
        raise ConfigurationError("ALERT_WEBHOOK_SECRET: expected whsec_ and base64 of 24 to 64 bytes")
    return key


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """The header `webhook-signature`."""
    digest = hmac.new(
        key, b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), body), hashlib.sha256
    ).digest()
    return "v1," + base64.b64encode(digest).decode()


def _retry_after(answer: httpx.Response) -> float:
    """What the receiver asks for, in seconds; 0 when it does not, or not in a form that is known."""
    text = answer.headers.get("retry-after", "")
    try:
        seconds = float(text) if text.isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)
