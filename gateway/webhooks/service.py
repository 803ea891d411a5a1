"""What happens to a delivery that is believed: all of it is on disk before the provider hears of it."""

from datetime import datetime

from gateway.commit import GroupCommit
from gateway.events.answers import EventsAccepted, list_errors
from gateway.telemetry import GatewayTelemetry
from gateway.webhooks.doors import Door
from gateway.webhooks.quarantine import Quarantine
from gateway.webhooks.telemetry import Outcome, WebhookTelemetry
from gateway.webhooks.updates import Judged, judge_updates
from pipeline.chassis.concurrency import all_or_cancel
from pipeline.chassis.correlation import current_correlation_id
from pipeline.errors import StreamUnavailable
from pipeline.events.webhook import WebhookRequest


class WebhookService:
    """The way of every provider's updates into the pipeline."""

    def __init__(
        self,
        event_size_limit: int,
        commit: GroupCommit,
        quarantine: Quarantine,
        events: GatewayTelemetry,
        telemetry: WebhookTelemetry,
    ) -> None:
        self._event_size_limit = event_size_limit
        self._commit = commit
        self._quarantine = quarantine
        self._events = events
        self._telemetry = telemetry

    async def accept(self, door: Door, request: WebhookRequest) -> EventsAccepted:
        """Raises StreamUnavailable when not all of it is known to be on disk: the provider sends it again."""
        judged = await judge_updates(door, request, self._event_size_limit)
        work = [
            *([self._publish(door, judged, request.received_at)] if judged.accepted else []),
            *([self._keep(door, judged, request.received_at)] if judged.rejected else []),
        ]
        try:
            await all_or_cancel(work)
        except StreamUnavailable:
            self._telemetry.delivered(door.name, Outcome.UNAVAILABLE)
            raise
        self._telemetry.judged(door.name, judged)
        return EventsAccepted(len(judged.accepted), len(judged.rejected), list_errors(judged.rejected))

    async def _publish(self, door: Door, judged: Judged, received_at: datetime) -> None:
        source, events = door.source.name, judged.accepted
        self._events.accepted(source, len(events))
        try:
            await self._commit.commit(
                source, door.webhook.format, events, received_at, current_correlation_id()
            )
        except StreamUnavailable as error:
            self._events.not_published(source, len(events), error)
            raise
        self._events.published(source, len(events))

    async def _keep(self, door: Door, judged: Judged, received_at: datetime) -> None:
        await self._quarantine.keep(door, judged.rejected, received_at, current_correlation_id())
        self._events.rejected((door.source.name, bad.rejection.reason) for bad in judged.rejected)
