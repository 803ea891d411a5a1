"""From deliveries to a merged batch of canonical records."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import structlog

from collectors._runtime.telemetry import CollectorTelemetry
from pipeline.chassis.tracing import TraceContext, sampled_context
from pipeline.events.batch import MalformedBatch, RecordBatch, read_batch
from pipeline.events.canary import CANARY_FORMAT, ArrivedCanary, decode_canary
from pipeline.events.dead_letter import DeadLetter, dead_letter_of
from pipeline.events.reasons import Reason, Rejection, rejection_of
from pipeline.events.record import EventRecord
from pipeline.events.source import Format, Source
from pipeline.events.text import needs_text_check, text_rejection
from pipeline.stream import BatchConsumer, Delivery

log = structlog.get_logger()


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A record on its way to the store, and where it came from, for the dead letter that it may become."""

    record: EventRecord
    batch: RecordBatch
    index: int


@dataclass(slots=True)
class MergedBatch:
    """What one transaction writes: several deliveries, settled together.

    `origins` are the traces of the messages that are traced; times are nanoseconds since the epoch.
    """

    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    received_at: list[datetime] = field(default_factory=list[datetime])
    candidates: list[Candidate] = field(default_factory=list[Candidate])
    dead_letters: list[DeadLetter] = field(default_factory=list[DeadLetter])
    canaries: list[ArrivedCanary] = field(default_factory=list[ArrivedCanary])
    origins: list[TraceContext] = field(default_factory=list[TraceContext])
    began_ns: int = 0
    read_ns: int = 0

    @property
    def events(self) -> int:
        return len(self.candidates) + len(self.dead_letters)


class BatchReader:
    """Decodes, validates again (other programs may publish too) and maps what the consumer delivers."""

    def __init__(self, source: Source, consumer: BatchConsumer, telemetry: CollectorTelemetry) -> None:
        self._source = source
        self._consumer = consumer
        self._telemetry = telemetry

    async def read(self, max_events: int, writable: asyncio.Task[None] | None) -> MergedBatch:
        """Waits for a delivery and takes what else is already here.

        Until the writer can take it (`writable` is done), it goes on growing up to about `max_events`: what comes
        in during a transaction is the next transaction, so batches are as large as the load makes them.
        """
        merged = MergedBatch()
        delivery: Delivery | None = await self._consumer.next()
        merged.began_ns = time.time_ns()
        while delivery is not None:
            self._add(merged, delivery)
            # One message takes about 2 ms: acknowledgements and heartbeats get their turn in between.
            await asyncio.sleep(0)
            if merged.events >= max_events:
                break
            delivery = self._consumer.next_nowait() or await self._next_until(writable)
        merged.read_ns = time.time_ns()
        return merged

    async def _next_until(self, writable: asyncio.Task[None] | None) -> Delivery | None:
        if writable is None or writable.done():
            return None
        arriving = asyncio.create_task(self._consumer.next())
        await asyncio.wait({arriving, writable}, return_when=asyncio.FIRST_COMPLETED)
        if arriving.done():
            return arriving.result()
        arriving.cancel()
        return None

    def _add(self, merged: MergedBatch, delivery: Delivery) -> None:
        merged.deliveries.append(delivery)
        if delivery.redelivered:
            self._telemetry.redelivered()
        if (origin := sampled_context(delivery.headers)) is not None:
            merged.origins.append(origin)
        try:
            batch = read_batch(self._source.name, delivery.payload, delivery.headers)
        except MalformedBatch as error:
            rejection = Rejection(Reason.MALFORMED_JSON, "$", f"not a record batch: {error}")
            self._telemetry.delivered(1)
            merged.dead_letters.append(
                dead_letter_of(
                    delivery.payload,
                    rejection,
                    source=self._source.name,
                    format_name="",
                    correlation_id="",
                    stage=self._telemetry.service,
                    received_at=datetime.now(UTC),
                )
            )
            return
        event_format = self._source.formats.get(batch.format)
        if event_format is None and batch.format == CANARY_FORMAT:
            self._add_canaries(merged, batch)
            return
        if not batch.replays:
            # A replayed batch was received long ago: that says nothing about how long the way takes.
            merged.received_at.append(batch.received_at)
        self._telemetry.delivered(len(batch.events))
        if event_format is None:
            rejection = Rejection(Reason.UNSUPPORTED_FORMAT, "$", f"unknown format {batch.format!r}")
            for index in range(len(batch.events)):
                merged.dead_letters.append(self.letter(batch, index, rejection))
            return
        self._map(merged, batch, event_format, needs_text_check(delivery.payload))

    def _add_canaries(self, merged: MergedBatch, batch: RecordBatch) -> None:
        """They are no events, and counted nowhere. What is none of ours counts, and is kept, as any other message."""
        for index, raw in enumerate(batch.events):
            try:
                canary = decode_canary(raw)
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
                self._telemetry.delivered(1)
                merged.dead_letters.append(self.letter(batch, index, rejection_of(error)))
            else:
                merged.canaries.append(ArrivedCanary(canary.sender, canary.number, batch.received_at))

    def _map(self, merged: MergedBatch, batch: RecordBatch, event_format: Format, check_text: bool) -> None:
        judge, to_record = event_format.judge, event_format.to_record
        received_at, now = batch.received_at, datetime.now(UTC)
        told = False
        for index, raw in enumerate(batch.events):
            event = (text_rejection(bytes(raw)) if check_text else None) or judge(raw, now)
            if isinstance(event, Rejection):
                merged.dead_letters.append(self.letter(batch, index, event))
                continue
            try:
                record = to_record(event, raw, received_at)
            except Exception as error:  # a defect of one mapping must not stop the source's other events
                if not told:  # it may fail for every event of a flood: one trace a batch is enough
                    log.exception("mapping_failed", format=batch.format, event_id=event.event_id)
                    told = True
                rejection = Rejection(Reason.SCHEMA_VIOLATION, "$", f"mapping failed: {error!r}")
                merged.dead_letters.append(self.letter(batch, index, rejection))
            else:
                merged.candidates.append(Candidate(record, batch, index))

    def letter(self, batch: RecordBatch, index: int, rejection: Rejection) -> DeadLetter:
        """The dead letter of one event of a batch."""
        return dead_letter_of(
            bytes(batch.events[index]),
            rejection,
            source=self._source.name,
            format_name=batch.format,
            correlation_id=batch.correlation_of(index),
            stage=self._telemetry.service,
            received_at=batch.received_at,
            replays=batch.replays,
        )
