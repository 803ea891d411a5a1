"""How far the source is behind: observed twice a second, told by `/lag`, by metrics and, through Postgres, by reports.

Observing and reporting are two loops: the backlog is of most interest when Postgres does not answer.
"""

import asyncio
import time
from datetime import UTC, datetime

import msgspec
import structlog

from collectors._runtime.backlog import CatchUp, Observation
from collectors._runtime.settings import CollectorSettings
from collectors._runtime.telemetry import CollectorTelemetry
from pipeline.errors import TransientError
from pipeline.store import Database
from pipeline.store.progress import report_progress
from pipeline.stream import BatchConsumer

log = structlog.get_logger()


class Lag(msgspec.Struct, frozen=True):
    """What waits for this source's collectors, all of them together.

    `events` is estimated from the size of the batches seen so far, `bytes` from that of all batches in the stream.
    `seconds` is the age of the oldest batch. `seconds_to_catch_up` is null while the backlog does not shrink, or while
    too little was seen. `unacknowledged` batches are in the hands of a collector, `redelivered` ones not for the first
    time; both are null when there is no consumer.
    """

    consumer: str
    batches: int
    events: int
    bytes: int
    seconds: float
    seconds_to_catch_up: float | None
    batches_arriving_per_second: float | None
    batches_draining_per_second: float | None
    unacknowledged: int | None
    redelivered: int | None


class BacklogWatch:
    """Looks at the backlog of a source and remembers up to when everything is stored."""

    def __init__(self, consumer: BatchConsumer, telemetry: CollectorTelemetry) -> None:
        self._consumer = consumer
        self._telemetry = telemetry
        self._catch_up = CatchUp()
        self._looking = asyncio.Lock()
        self._changed = asyncio.Event()
        self.observed_at = self.complete_through = datetime.now(UTC)

    async def look(self) -> Lag:
        """What waits now. Raises StreamUnavailable."""
        async with self._looking:  # one after the other: observations are in the order of time
            observed_at, clock = datetime.now(UTC), time.monotonic()
            backlog = await self._consumer.lag()
            complete_through = min(backlog.oldest, observed_at) if backlog.oldest else observed_at
            pace = self._catch_up.observe(Observation(clock, backlog.batches, backlog.arrived))
            seconds = (observed_at - complete_through).total_seconds()
            events = self._telemetry.lag(backlog.batches, seconds, pace.seconds_to_catch_up)
            self.observed_at, self.complete_through = observed_at, complete_through
            self._changed.set()
            return Lag(
                consumer=self._consumer.name,
                batches=backlog.batches,
                events=events,
                bytes=backlog.bytes,
                seconds=round(seconds, 3),
                seconds_to_catch_up=pace.seconds_to_catch_up,
                batches_arriving_per_second=pace.arriving_per_second,
                batches_draining_per_second=pace.draining_per_second,
                unacknowledged=backlog.unacknowledged,
                redelivered=backlog.redelivered,
            )

    async def changed(self) -> None:
        """Returns when there was a look since the last call."""
        await self._changed.wait()
        self._changed.clear()


async def watch_backlog(stop: asyncio.Event, watch: BacklogWatch, settings: CollectorSettings) -> None:
    """Looks again and again, so that the pace is known and the gauges are true."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        try:
            await watch.look()
        except TransientError as error:
            log.warning("backlog_unknown", error=str(error))
        await asyncio.wait({stopping}, timeout=settings.progress_interval_seconds)


async def report_backlog(stop: asyncio.Event, watch: BacklogWatch, source: str, database: Database) -> None:
    """Tells the reporter, through Postgres, up to when everything that was accepted is stored."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        changing = asyncio.create_task(watch.changed())
        await asyncio.wait({changing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            changing.cancel()
            return
        try:
            await report_progress(database, source, watch.complete_through, watch.observed_at)
        except TransientError as error:
            log.warning("progress_not_reported", error=str(error))
