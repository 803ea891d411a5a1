"""Group commit: from accepted events to acknowledged record batches.

A large request makes batches of its own, a few at a time, so that small ones wait behind few of them and memory holds
few. Small ones share: what arrives while a batch is on its way to the disk
forms the next batch, without a timer, and each request is answered when the batch that holds it is acknowledged.
So one event alone waits for one fsync, and a thousand at once wait for two.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from pipeline.chassis import tracing
from pipeline.chassis.concurrency import all_or_cancel
from pipeline.events.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, RecordBatch, pack
from pipeline.stream import StreamPublisher

_SHARED_MAX_EVENTS = MAX_BATCH_EVENTS // 5

LARGE_WINDOW = 8
"""Batches of all large requests that wait for their acknowledgement at the same time."""
_AT_ONCE = 4
"""Batches of one of them."""


class _Entry(NamedTuple):
    events: Sequence[msgspec.Raw]
    size: int
    received_at: datetime
    correlation_id: str
    arrived: float
    done: asyncio.Future[None]
    span: tracing.Span | None


class GroupCommit:
    """Commits events of any source. One instance per process.

    `large` publishes what comes in large requests: its window is apart from that of the small ones.
    """

    def __init__(self, publisher: StreamPublisher, large: StreamPublisher | None = None) -> None:
        self._publisher = publisher
        self._large = large or publisher
        self._waiting: dict[tuple[str, str], deque[_Entry]] = {}
        self._flushing: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def commit(
        self,
        source: str,
        format_name: str,
        events: Sequence[msgspec.Raw],
        received_at: datetime,
        correlation_id: str,
    ) -> None:
        """Returns when all events are on disk. Raises StreamUnavailable when that is not known of each."""
        size = sum(len(memoryview(event)) for event in events)
        if len(events) > _SHARED_MAX_EVENTS or size > MAX_BATCH_BYTES // 5:
            batches = (
                RecordBatch(source, format_name, group, received_at, [(correlation_id, len(group))])
                for group in pack(events)
            )
            await all_or_cancel(self._publish_in_turn(batches) for _ in range(_AT_ONCE))
            return
        done = asyncio.get_running_loop().create_future()
        key = (source, format_name)
        entry = _Entry(events, size, received_at, correlation_id, time.monotonic(), done, tracing.current())
        self._waiting.setdefault(key, deque()).append(entry)
        if key not in self._flushing:
            self._flushing[key] = asyncio.create_task(self._flush(key))
        await done

    async def _publish_in_turn(self, batches: Iterator[RecordBatch]) -> None:
        for batch in batches:
            await self._large.publish_batch(batch)

    async def _flush(self, key: tuple[str, str]) -> None:
        waiting = self._waiting[key]
        tracing.leave()
        try:
            while waiting:
                entries = _take_group(waiting)
                await self._publish(key, entries)
        finally:
            del self._flushing[key]

    async def _publish(self, key: tuple[str, str], entries: Sequence[_Entry]) -> None:
        batch = RecordBatch(
            source=key[0],
            format=key[1],
            events=[event for entry in entries for event in entry.events],
            received_at=entries[0].received_at,
            correlation=[(entry.correlation_id, len(entry.events)) for entry in entries],
        )
        error: BaseException | None = None
        try:
            # Who waited for the batch before to fail is not kept waiting for as long again.
            await self._publisher.publish_batch(
                batch,
                waiting_since=entries[0].arrived,
                origins=[entry.span for entry in entries if entry.span is not None],
            )
        except BaseException as caught:  # whatever it is, it is the answer of every request in the batch
            error = caught
        for entry in entries:
            if entry.done.done():
                continue  # its sender has gone
            if error is None:
                entry.done.set_result(None)
            else:
                entry.done.set_exception(error)


def _take_group(waiting: deque[_Entry]) -> list[_Entry]:
    entries: list[_Entry] = []
    events = size = 0
    while waiting:
        entry = waiting[0]
        events += len(entry.events)
        size += entry.size
        if entries and (events > MAX_BATCH_EVENTS or size > MAX_BATCH_BYTES):
            break
        entries.append(waiting.popleft())
    return entries
