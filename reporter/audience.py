"""Counts the distinct users of one source in a range.

What a range holds only ever grows, and a union takes no harm from anything that comes twice. So a range that was
asked for before is kept with the parts that went into it, and asking again costs only what has been added since.
"""

import asyncio
import time
from collections.abc import Mapping

from pipeline.audience.buckets import Audience
from pipeline.audience.counting import AudienceCounts, FacetSpec, count_exactly, estimate_counts
from pipeline.audience.facets import FacetTable
from pipeline.audience.pairs import Pairs, concatenate
from pipeline.audience.sketch import Sketch
from pipeline.store import Database
from reporter.audience_loading import AudienceLoader, Workers
from reporter.audience_parts import Part, find_parts
from reporter.cache import ByteBoundedCache, Sized
from reporter.ranges import TimeRange
from reporter.settings import ReporterSettings

_MAX_FACET_STRINGS = 500_000
"""A table that has grown beyond this (senders who make up countries) is begun anew, and the cache with it."""


class RangeAudience:
    """One range of one source as far as it has been read: the `counts` of `parts`, and beyond the exact limit the
    `sketch` that they were estimated from."""

    def __init__(self, table: FacetTable, sketch: Sketch | None) -> None:
        self.table = table
        self.sketch = sketch
        self.parts: frozenset[Part] = frozenset()
        self.counts: AudienceCounts | None = None
        self.reading = asyncio.Lock()
        self.begun_at = time.monotonic()

    @property
    def nbytes(self) -> int:
        return len(self.parts) * 200 + (self.sketch.nbytes if self.sketch else 0)


class AudienceCounter:
    """Distinct users by source and range, with a memory of bounded size. `specs` are the sources' facets."""

    def __init__(
        self, database: Database, settings: ReporterSettings, specs: Mapping[str, FacetSpec]
    ) -> None:
        self._database = database
        self._settings = settings
        self._specs = specs
        self._tables = {source: FacetTable(spec) for source, spec in specs.items()}
        self._cache: ByteBoundedCache[Sized] = ByteBoundedCache(settings.audience_cache_bytes)
        self._workers = Workers(settings.audience_threads)
        self._loader = AudienceLoader(database, self._cache, self._workers)

    async def count(self, source: str, time_range: TimeRange, *, exact: bool, events: int) -> AudienceCounts:
        """The distinct users of a range that holds so many events. Estimates stand within 1 % (hyperloglog.py)."""
        audience = self._remembered(source, time_range, exact)
        async with audience.reading:
            parts = frozenset(await find_parts(self._database, source, time_range, events))
            if audience.counts is None or not parts <= audience.parts:
                read = self._estimate if audience.sketch else self._count
                audience.counts = await read(source, time_range, audience, parts)
                audience.parts = parts
                self._cache.put((source, time_range, exact), audience)
            return audience.counts

    def _remembered(self, source: str, time_range: TimeRange, exact: bool) -> RangeAudience:
        if len(self._tables[source]) > _MAX_FACET_STRINGS:
            self._tables[source] = FacetTable(self._specs[source])
            self._cache.clear()
        key = (source, time_range, exact)
        audience = self._cache.get(key)
        if (
            not isinstance(audience, RangeAudience)
            or time.monotonic() - audience.begun_at > self._settings.audience_cache_seconds
        ):
            table = self._tables[source]
            audience = RangeAudience(table, None if exact else Sketch(table))
            self._cache.put(key, audience)
        return audience

    async def _count(
        self, source: str, time_range: TimeRange, audience: RangeAudience, parts: frozenset[Part]
    ) -> AudienceCounts:
        """Exactly, from all parts: those that were read before are in memory."""
        table, found = audience.table, list[Audience]()
        async for group in self._loader.load(source, table, parts, time_range, keep=True):
            found += group
        pairs = [part for part in found if isinstance(part, Pairs)]
        if len(pairs) < len(found):
            raise AssertionError("a bucket of a range under the exact limit is kept as a sketch")
        spec, top = self._specs[source], self._settings.top_values
        return await self._workers.run(lambda: count_exactly(concatenate(pairs), table, spec, top))

    async def _estimate(
        self, source: str, time_range: TimeRange, audience: RangeAudience, parts: frozenset[Part]
    ) -> AudienceCounts:
        """By the sketch, to which only the parts are added that it has not got yet."""
        sketch = audience.sketch or Sketch(audience.table)
        new = parts - audience.parts
        async for group in self._loader.load(source, audience.table, new, time_range, keep=False):
            await self._workers.run(lambda group=group: _add(sketch, group))
        spec, top = self._specs[source], self._settings.top_values
        return await self._workers.run(lambda: estimate_counts(sketch, spec, top))


def _add(sketch: Sketch, audiences: list[Audience]) -> None:
    for audience in audiences:
        if isinstance(audience, Sketch):
            sketch.merge(audience)
    sketch.add(concatenate([audience for audience in audiences if isinstance(audience, Pairs)]))
