"""The loop that delivers: each channel by itself, so that one that is slow keeps nobody else waiting."""

import asyncio
import random
from collections.abc import Sequence

from alerts.channels import Channel, DeliveryFailed, DeliveryRefused
from alerts.deliveries import Deliveries, Delivery
from alerts.settings import DeliverySettings
from alerts.telemetry import AlertTelemetry
from pipeline.chassis.concurrency import first_of
from pipeline.chassis.supervision import Heartbeat
from pipeline.errors import StoreUnavailable, TransientError
from pipeline.store import Database

_AT_ONCE = 10
_POLL_SECONDS = 1.0
_GROWTH = 4.0
_LEASE_MARGIN_SECONDS = 15.0
_MAX_EXPONENT = 12


class Delivering:
    """Delivers through one channel. Several processes may do so at once: each delivery is taken by one of them."""

    def __init__(
        self,
        database: Database,
        channel: Channel,
        settings: DeliverySettings,
        telemetry: AlertTelemetry,
        stall_after_seconds: float,
    ) -> None:
        lease = settings.alert_delivery_timeout_seconds * 2 + _LEASE_MARGIN_SECONDS
        self._deliveries = Deliveries(database, [channel.name], lease)
        self._channel = channel
        self._settings = settings
        self._telemetry = telemetry
        self.heartbeat = Heartbeat(stall_after_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """A supervised loop."""
        while not stop.is_set():
            found = 0
            try:
                found = await self.turn()
            except StoreUnavailable as error:
                self._telemetry.deliveries_waiting(error)
            self.heartbeat.beat()
            if not found:
                await first_of(stop.wait(), timeout_seconds=_POLL_SECONDS)

    async def turn(self) -> int:
        """Tries what is due. Returns how many. Raises StoreUnavailable: what was delivered may be so once more."""
        due = await self._deliveries.claim(_AT_ONCE)
        await asyncio.gather(*map(self._attempt, due))
        return len(due)

    async def _attempt(self, delivery: Delivery) -> None:
        name, alert_id, attempt = delivery.channel, delivery.alert.id, delivery.attempts
        try:
            remark = await self._channel.deliver(delivery)
        except DeliveryRefused as error:
            await self._deliveries.settle(delivery, "dead", str(error))
            self._telemetry.delivery_dead(name, alert_id, attempt, str(error))
        except (DeliveryFailed, TransientError) as error:
            if self._channel.attempts is not None and attempt >= self._channel.attempts:
                await self._deliveries.settle(delivery, "dead", str(error))
                self._telemetry.delivery_dead(name, alert_id, attempt, str(error))
                return
            pause = max(self._pause(attempt), getattr(error, "retry_after_seconds", 0.0))
            await self._deliveries.postpone(delivery, pause, str(error))
            self._telemetry.delivery_failed(name, alert_id, attempt, str(error), pause)
        else:
            await self._deliveries.settle(delivery, "delivered", remark)
            self._telemetry.delivered(name, alert_id, attempt)

    def _pause(self, attempt: int) -> float:
        """Longer from failure to failure; a channel that never gives up never waits long."""
        first, longest = (
            self._settings.alert_delivery_first_pause_seconds,
            self._settings.alert_delivery_longest_pause_seconds,
        )
        if self._channel.attempts is None:
            first, longest = _POLL_SECONDS, 5 * _POLL_SECONDS
        pause = min(first * _GROWTH ** min(attempt - 1, _MAX_EXPONENT), longest)
        return pause * random.uniform(0.75, 1.0)  # noqa: S311 - jitter, no secret


async def abandon_unconfigured(
    stop: asyncio.Event, database: Database, channels: Sequence[str], telemetry: AlertTelemetry
) -> None:
    """Once after the start: what waits for a channel that is no longer configured is dead. Then waits for the end."""
    while not stop.is_set():
        try:
            await Deliveries(database, channels, 0.0).abandon_others()
            await stop.wait()
        except StoreUnavailable as error:
            telemetry.deliveries_waiting(error)
            await first_of(stop.wait(), timeout_seconds=_POLL_SECONDS)
