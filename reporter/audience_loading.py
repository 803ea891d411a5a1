"""Turns the parts of a range into audiences: read in groups, decoded beside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from pipeline.audience.buckets import Audience
from pipeline.audience.facets import FacetTable
from pipeline.audience.segment import Segment
from pipeline.store import Database
from reporter.audience_data import StoredAudience, in_groups, read_buckets, read_events, read_segments
from reporter.audience_parts import BucketPart, EventsPart, Part, SegmentPart
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
    """Loads parts, a bounded amount at a time. Segments are kept decoded in `cache`: a range that ends "now" cuts
    the same ones again and again, each time elsewhere."""

    def __init__(self, database: Database, workers: Workers, cache: ByteBoundedCache[Sized]) -> None:
        self._database = database
        self._workers = workers
        self._cache = cache

    async def load(
        self, source: str, table: FacetTable, parts: Collection[Part], time_range: TimeRange
    ) -> AsyncIterator[Sequence[Audience]]:
        """The audiences of all parts, each cut to the range."""
        starts, ends = to_micros(time_range.starts), to_micros(time_range.ends)
        for part in _only(EventsPart, parts):
            segments = await self._decoded(await read_events(self._database, source, part), table)
            yield [segment.within(starts, ends) for segment in segments]
        for group in in_groups(_only(SegmentPart, parts)):
            segments = await self._segments(group, table)
            yield await self._workers.run(
                lambda segments=segments: [segment.within(starts, ends) for segment in segments]
            )
        for group in in_groups(_only(BucketPart, parts)):
            rows = await read_buckets(self._database, source, group)
            yield await self._workers.run(lambda rows=rows: [row.as_audience(table) for row in rows])

    async def _segments(self, parts: Sequence[SegmentPart], table: FacetTable) -> list[Segment]:
        kept = {part: self._cache.get((table, part)) for part in parts}
        segments = [segment for segment in kept.values() if isinstance(segment, Segment)]
        if missing := {part.key: part for part, segment in kept.items() if segment is None}:
            rows = await read_segments(self._database, list(missing.values()))
            for row, segment in zip(rows, await self._decoded(rows, table), strict=True):
                self._cache.put((table, missing[row.key]), segment)
                segments.append(segment)
        return segments

    async def _decoded(self, rows: Sequence[StoredAudience], table: FacetTable) -> list[Segment]:
        return await self._workers.run(lambda: [row.as_segment(table) for row in rows])


PartT = TypeVar("PartT", EventsPart, SegmentPart, BucketPart)


def _only(kind: type[PartT], parts: Iterable[Part]) -> list[PartT]:
    return [part for part in parts if isinstance(part, kind)]
