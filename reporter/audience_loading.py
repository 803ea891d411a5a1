"""Turns the parts of a range into audiences: read in groups, decoded beside the event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from pipeline.audience.buckets import Audience
from pipeline.audience.facets import FacetTable
from pipeline.store import Database
from reporter.audience_data import StoredAudience, in_groups, read_buckets, read_events, read_segments
from reporter.audience_parts import BucketPart, EventsPart, Part, SegmentPart
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
    """Loads parts, a bounded amount at a time."""

    def __init__(self, database: Database, workers: Workers) -> None:
        self._database = database
        self._workers = workers

    async def load(
        self, source: str, table: FacetTable, parts: Collection[Part], time_range: TimeRange
    ) -> AsyncIterator[Sequence[Audience]]:
        """The audiences of all parts, each cut to the range."""
        starts, ends = to_micros(time_range.starts), to_micros(time_range.ends)

        def cut(rows: Sequence[StoredAudience]) -> Sequence[Audience]:
            return [row.as_segment(table).within(starts, ends) for row in rows]

        for part in _only(EventsPart, parts):
            rows = await read_events(self._database, source, part)
            yield await self._workers.run(lambda rows=rows: cut(rows))
        for segments in in_groups(_only(SegmentPart, parts)):
            rows = await read_segments(self._database, segments)
            yield await self._workers.run(lambda rows=rows: cut(rows))
        for buckets in in_groups(_only(BucketPart, parts)):
            rows = await read_buckets(self._database, source, buckets)
            yield await self._workers.run(lambda rows=rows: [row.as_audience(table) for row in rows])


PartT = TypeVar("PartT", EventsPart, SegmentPart, BucketPart)


def _only(kind: type[PartT], parts: Iterable[Part]) -> list[PartT]:
    return [part for part in parts if isinstance(part, kind)]
