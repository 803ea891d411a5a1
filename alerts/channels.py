"""How somebody is told: what every channel promises, and the one that is always there, the stream NOTIFICATIONS."""

from typing import Protocol

import msgspec

from alerts.deliveries import Delivery
from pipeline.stream import NotificationPublisher

TOPIC = "alerts"


class DeliveryRefused(Exception):
    """The receiver will never take it: another attempt is pointless."""


class DeliveryFailed(Exception):
    """It may succeed later; after `retry_after_seconds`, where the receiver says so."""

    def __init__(self, reason: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Channel(Protocol):
    """One way to tell somebody."""

    @property
    def name(self) -> str:
        """As the deliveries name it."""
        ...

    @property
    def attempts(self) -> int | None:
        """After how many failures it gives up; None: never."""
        ...

    async def deliver(self, delivery: Delivery) -> str:
        """Returns what is to be remarked, or nothing. Raises DeliveryRefused, DeliveryFailed or TransientError."""
        ...


class NotificationChannel:
    """Tells whoever follows the topic `alerts`, and of a milestone the owner of the post."""

    name = "notifications"
    attempts = None

    def __init__(self, publisher: NotificationPublisher) -> None:
        self._publisher = publisher

    async def deliver(self, delivery: Delivery) -> str:
        """Published once for each delivery, however often it is tried."""
        alert = delivery.alert
        members = msgspec.to_builtins(alert)
        members["alertId"] = members.pop("id")
        # A client that counts alerts by their kind must not take the end of one for another.
        kind = alert.kind if delivery.phase == "opened" else "ALERT_CLEARED"
        body = {**members, "kind": kind, "alert": alert.kind}
        owner = alert.details.get("userId") if alert.kind == "MILESTONE" else None
        await self._publisher.publish(
            to_users=[owner] if owner else [], topics=[TOPIC], body=body, message_id=f"alert-{delivery.id}"
        )
        return ""
