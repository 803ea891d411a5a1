"""Turns the parts of a range into audiences: read in groups, decoded beside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TypeVar

from pipeline.audience.buckets import Audience
from pipeline.audience.facets import FacetTable
from pipeline.audience.pairs import Pairs
from pipeline.audience.segment import Segment
from pipeline.store import Database
from reporter.audience_data import (
    StoredAudience,
    in_groups,
    read_buckets,
    read_events,
    read_segments,
)
from reporter.audience_parts import BucketPart, Part, SegmentPart
from reporter.cache import ByteBoundedCache, Sized
from reporter.ranges import TimeRange, to_micros

ResultT = TypeVar("ResultT")


class Workers:
    """Runs what takes long in threads, a bounded number at once. numpy lets the event loop run meanwhile."""

    def __init__(self, threads: int) -> None:
        self._free = asyncio.Semaphore(threads)

    async def run(self, work: Callable[[], ResultT]) -> ResultT:
        async with self._free:
            return await asyncio.to_thread(work)


class AudienceLoader:
    """Loads parts, from memory where they were decoded before and `keep` was asked for."""

    def __init__(self, database: Database, cache: ByteBoundedCache[Sized], workers: Workers) -> None:
        self._database = database
        self._cache = cache
        self._workers = workers

    async def load(
        self, source: str, table: FacetTable, parts: Iterable[Part], time_range: TimeRange, *, keep: bool
    ) -> AsyncIterator[list[Audience]]:
        """The audiences of all parts, each cut to the range, a bounded amount at a time."""
        starts, ends = to_micros(time_range.starts), to_micros(time_range.ends)
        missing_segments: list[SegmentPart] = []
        missing_buckets: list[BucketPart] = []
        known: list[Audience] = []
        for part in parts:
            kept = self._cache.get((id(table), part))
            if isinstance(kept, Segment):
                known.append(kept.within(starts, ends))
            elif isinstance(kept, Pairs):
                known.append(kept)
            elif isinstance(part, SegmentPart):
                missing_segments.append(part)
            elif isinstance(part, BucketPart):
                missing_buckets.append(part)
            else:
                segments = await self._segments(await read_events(self._database, source, part), table)
                yield [segment.within(starts, ends) for segment in segments]
        yield known
        for group in in_groups(missing_segments):
            rows = await read_segments(self._database, group)
            segments = await self._segments(rows, table)
            self._keep(table, group, rows, segments, keep)
            yield [segment.within(starts, ends) for segment in segments]
        for group in in_groups(missing_buckets):
            rows = await read_buckets(self._database, source, group)
            audiences = await self._workers.run(lambda rows=rows: [row.as_audience(table) for row in rows])
            self._keep(table, group, rows, audiences, keep)
            yield audiences

    async def _segments(self, rows: Sequence[StoredAudience], table: FacetTable) -> list[Segment]:
        return await self._workers.run(lambda: [row.as_segment(table) for row in rows])

    def _keep(
        self,
        table: FacetTable,
        parts: Sequence[SegmentPart | BucketPart],
        rows: Sequence[StoredAudience],
        decoded: Sequence[Segment | Audience],
        keep: bool,
    ) -> None:
        if not keep:
            return
        part_of = {part.key: part for part in parts}
        for row, audience in zip(rows, decoded, strict=True):
            self._cache.put((id(table), part_of[row.key]), audience)
