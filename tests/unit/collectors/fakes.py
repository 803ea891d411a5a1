"""The neighbours of the collector runtime, exact to the step: what is delivered, stored, kept and acknowledged."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry

from collectors._runtime.reading import BatchReader
from collectors._runtime.settings import CollectorSettings
from collectors._runtime.telemetry import CollectorTelemetry
from collectors._runtime.writing import BatchWriter
from collectors.registry import SOURCES
from pipeline.errors import DataRejected
from pipeline.events.batch import RecordBatch
from pipeline.events.canary import ArrivedCanary
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.record import EventRecord
from pipeline.events.source import Source
from pipeline.store import EventStore, WriteResult
from pipeline.stream import BatchConsumer, DeadLetters, Delivery

Journal = list[str]
"""What happened, in order: `stored fb-1`, `kept fb-2`, `acked 0`."""


class FakeDelivery(Delivery):
    """A message that remembers how it was settled."""

    __slots__ = ("failures", "journal", "number", "settled")

    def __init__(self, number: int, payload: bytes, headers: dict[str, str], journal: Journal) -> None:
        self.number = number
        self.payload = payload
        self.headers = headers
        self.redelivered = False
        self.journal = journal
        self.settled = ""
        self.failures: list[Exception] = []

    async def ack(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.settled = "acked"
        self.journal.append(f"acked {self.number}")

    async def nak(self) -> None:
        self.settled = "given back"

    async def keep_alive(self) -> None: ...


class FakeConsumer(BatchConsumer):
    """Delivers what the test hands it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.deliveries: list[FakeDelivery] = []
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()

    def deliver(self, batch: RecordBatch) -> FakeDelivery:
        return self.deliver_message(batch.payload(), batch.headers())

    def deliver_message(self, payload: bytes, headers: dict[str, str]) -> FakeDelivery:
        delivery = FakeDelivery(len(self.deliveries), payload, headers, self.journal)
        self.deliveries.append(delivery)
        self._queue.put_nowait(delivery)
        return delivery

    async def next(self) -> Delivery:
        return await self._queue.get()

    def next_nowait(self) -> Delivery | None:
        return None if self._queue.empty() else self._queue.get_nowait()

    async def release(self) -> None:
        for delivery in self.deliveries:
            if not delivery.settled:
                await delivery.nak()


class FakeStore(EventStore):
    """Stores each id once. Refuses every batch with a poison record in it, fails as long as it has failures."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.stored: dict[str, EventRecord] = {}
        self.writes: list[list[str]] = []
        self.poison: set[str] = set()
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def write(self, records: Sequence[EventRecord]) -> WriteResult:
        ids = [record.event_id for record in records]
        self.writes.append(ids)
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        if bad := self.poison.intersection(ids):
            raise DataRejected("22P05", f"unsupported Unicode escape sequence in {len(bad)} rows")
        fresh = {record.event_id: record for record in records if record.event_id not in self.stored}
        self.stored.update(fresh)
        self.journal.extend(f"stored {event_id}" for event_id in fresh)
        return WriteResult(stored=len(fresh), duplicates=len(records) - len(fresh))

    async def write_canaries(self, canaries: Sequence[ArrivedCanary]) -> None:
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.journal.extend(f"canary {canary.number}" for canary in canaries)


class FakeDeadLetters(DeadLetters):
    """Keeps them in a list, fails as long as it has failures."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.letters: list[DeadLetter] = []
        self.failures: list[Exception] = []

    async def keep(self, letters: Iterable[DeadLetter]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        kept = list(letters)
        self.letters.extend(kept)
        self.journal.extend("kept" for _ in kept)


class Runtime:
    """A collector's reader and writer among fakes."""

    def __init__(self, source: Source = SOURCES["facebook"]) -> None:
        self.journal: Journal = []
        self.registry = CollectorRegistry()
        self.telemetry = CollectorTelemetry(self.registry, source.name)
        self.settings = CollectorSettings(merge_max_events=1_000, retry_max_seconds=2.0)
        self.consumer = FakeConsumer(self.journal)
        self.store = FakeStore(self.journal)
        self.dead_letters = FakeDeadLetters(self.journal)
        self.reader = BatchReader(source, self.consumer, self.telemetry)
        self.writer = BatchWriter(self.store, self.dead_letters, self.reader, self.settings, self.telemetry)

    async def write_what_is_here(self) -> None:
        await self.writer.write(await self.reader.read(self.settings.merge_max_events, None))

    def counted(self, name: str, **labels: str) -> float:
        labels = {"service": self.telemetry.service, "source": self.telemetry.source, **labels}
        return self.registry.get_sample_value(name, labels) or 0.0


async def until(condition: Callable[[], bool]) -> None:
    """Lets everything else run until the condition holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come about")
