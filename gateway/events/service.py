"""What `POST /events` does once it has a body: judge, publish, keep what was refused."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from gateway.commit import GroupCommit
from gateway.events.answers import EventsAccepted, list_errors
from gateway.events.intake import BadEvent, EventIntake, MalformedBody
from gateway.telemetry import SERVICE, UNKNOWN_SOURCE, GatewayTelemetry
from pipeline.chassis.concurrency import all_or_cancel
from pipeline.chassis.correlation import current_correlation_id
from pipeline.chassis.problems import Problem
from pipeline.errors import StreamUnavailable
from pipeline.events.dead_letter import DeadLetter, dead_letter_of
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.source import Source
from pipeline.stream import DeadLetters


class EventService:
    """The front door for events in our own format."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        event_size_limit: int,
        commit: GroupCommit,
        dead_letters: DeadLetters,
        telemetry: GatewayTelemetry,
    ) -> None:
        self._sources = sources
        self._intake = EventIntake(sources, event_size_limit)
        self._commit = commit
        self._dead_letters = dead_letters
        self._telemetry = telemetry

    async def accept(self, body: bytes, *, ndjson: bool) -> EventsAccepted:
        """Returns once every accepted event is on disk and every refused one is kept.

        Raises Problem 400 when there is nothing to accept, StreamUnavailable when JetStream is away, slow or full.
        """
        received_at = datetime.now(UTC)
        try:
            intake = await self._intake.take_in(body, ndjson, received_at)
        except MalformedBody as error:
            whole = BadEvent(0, None, None, Rejection(Reason.MALFORMED_JSON, "$", str(error)), body)
            await self._keep([whole], received_at)
            raise Problem(
                400, "nothing-acceptable", f"The body is malformed: {error}", errors=list_errors([whole])
            ) from None
        publishing = [
            self._publish(self._sources[name], events, received_at)
            for name, events in intake.accepted.items()
        ]
        keeping = [self._keep(intake.rejected, received_at)] if intake.rejected else []
        await all_or_cancel([*keeping, *publishing])
        errors = list_errors(intake.rejected)
        accepted = intake.accepted_count
        if not accepted:
            detail = "No event in the body is acceptable." if errors else "The body holds no event."
            raise Problem(400, "nothing-acceptable", detail, errors=errors)
        return EventsAccepted(accepted, len(intake.rejected), errors)

    async def _publish(self, source: Source, events: Sequence[msgspec.Raw], received_at: datetime) -> None:
        self._telemetry.accepted(source.name, len(events))
        try:
            await self._commit.commit(
                source.name, source.event_format or "", events, received_at, current_correlation_id()
            )
        except StreamUnavailable as error:
            self._telemetry.not_published(source.name, len(events), error)
            raise
        self._telemetry.published(source.name, len(events))

    async def _keep(self, rejected: Sequence[BadEvent], received_at: datetime) -> None:
        await self._dead_letters.keep(_letters(rejected, received_at))
        self._telemetry.rejected(
            (bad.source.name if bad.source else UNKNOWN_SOURCE, bad.rejection.reason) for bad in rejected
        )


def _letters(rejected: Sequence[BadEvent], received_at: datetime) -> Iterator[DeadLetter]:
    """One by one, as they are packed: a body may hold tens of thousands of bad events."""
    correlation_id = current_correlation_id()
    for bad in rejected:
        yield dead_letter_of(
            bad.raw,
            bad.rejection,
            source=bad.source.name if bad.source else UNKNOWN_SOURCE,
            format_name=(bad.source.event_format or "") if bad.source else "",
            correlation_id=correlation_id,
            stage=SERVICE,
            received_at=received_at,
        )
