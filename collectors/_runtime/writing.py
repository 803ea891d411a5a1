"""From a merged batch to the store, and the settlement of its deliveries.

| outcome of the write | what happens |
|---|---|
| stored, or already stored | acknowledge |
| transient (database or network away) | try again, for as long as it takes; the deliveries are kept alive |
| permanent (Postgres refuses the data) | halve the batch until the event to blame stands alone; dead-letter it |
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from collectors._runtime.handling import describe, handling
from collectors._runtime.reading import BatchReader, Candidate, MergedBatch
from collectors._runtime.settings import CollectorSettings
from collectors._runtime.telemetry import CollectorTelemetry
from pipeline.chassis.tracing import child
from pipeline.errors import DataRejected, TransientError
from pipeline.events.canary import ArrivedCanary
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.reasons import Reason, Rejection
from pipeline.store import EventStore, WriteResult
from pipeline.stream import DeadLetters

ResultT = TypeVar("ResultT")

_FIRST_PAUSE_SECONDS = 0.1


class BatchWriter:
    """Writes merged batches, one after the other. It never gives up, and it never drops anything."""

    def __init__(
        self,
        store: EventStore,
        dead_letters: DeadLetters,
        reader: BatchReader,
        settings: CollectorSettings,
        telemetry: CollectorTelemetry,
    ) -> None:
        self._store = store
        self._dead_letters = dead_letters
        self._reader = reader
        self._settings = settings
        self._telemetry = telemetry

    async def write(self, merged: MergedBatch) -> None:
        """Returns when everything of the batch is stored or dead-lettered, and acknowledged."""
        source = self._telemetry.source
        with handling(merged, source) as span:
            if span is not None:
                describe(span, merged, source)
            await self._write(merged)

    async def _write(self, merged: MergedBatch) -> None:
        started = time.perf_counter()
        letters = list(merged.dead_letters)
        if merged.candidates:
            result = await self._store_or_bisect(merged.candidates, letters)
            self._telemetry.committed(result.stored, result.duplicates, time.perf_counter() - started)
            for received_at in merged.received_at:
                self._telemetry.became_visible(received_at)
        if letters:
            await self._until_it_succeeds(lambda: self._dead_letters.keep(letters), len(letters))
            self._telemetry.dead_lettered(letters)
        if merged.canaries:
            # After everything that came with them: that is settled when they are stored.
            await self._write_canaries(merged.canaries)
        with child("settle"):
            for delivery in merged.deliveries:
                # Lost acknowledgements are harmless: the batch comes again and the ledger knows all of it.
                await self._until_it_succeeds(delivery.ack, 0)

    async def _write_canaries(self, canaries: Sequence[ArrivedCanary]) -> None:
        try:
            await self._until_it_succeeds(lambda: self._store.write_canaries(canaries), 0)
        except DataRejected as error:
            # Nothing is lost but the canaries, whose sender misses them: they must not stop the events behind them.
            self._telemetry.canaries_refused(error)
        else:
            self._telemetry.canaries_stored(canaries)

    async def _store_or_bisect(
        self, candidates: Sequence[Candidate], letters: list[DeadLetter]
    ) -> WriteResult:
        records = [candidate.record for candidate in candidates]
        try:
            return await self._until_it_succeeds(lambda: self._store.write(records), len(records))
        except DataRejected as error:
            if len(candidates) == 1:
                rejection = Rejection(Reason.STORAGE_REJECTED, "$", str(error))
                letters.append(self._reader.letter(candidates[0].batch, candidates[0].index, rejection))
                return WriteResult(stored=0, duplicates=0)
        middle = len(candidates) // 2
        first = await self._store_or_bisect(candidates[:middle], letters)
        second = await self._store_or_bisect(candidates[middle:], letters)
        return WriteResult(first.stored + second.stored, first.duplicates + second.duplicates)

    async def _until_it_succeeds(self, attempt: Callable[[], Awaitable[ResultT]], events: int) -> ResultT:
        """Retries what is transient with exponential backoff and jitter. Everything else is the caller's."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await attempt()
            except TransientError as error:
                self._telemetry.retrying(events, error, pause)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
                pause = min(pause * 2, self._settings.retry_max_seconds)
