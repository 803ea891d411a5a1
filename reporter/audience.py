"""Counts the distinct users of one source in a range.

What a range holds only ever grows, and a union takes no harm from anything that comes twice. So a range that was
asked for before is kept with the parts that went into it, and asking again costs only what has been added since.
The days in the middle of a range, and the hours and minutes at its ends, are kept as unions of their own: a range that
begins a little later, as a dashboard's does, has the same middle.
"""

import time
from collections.abc import Collection, Mapping

from pipeline.audience.buckets import LEVELS, Audience
from pipeline.audience.counting import AudienceCounts, FacetSpec, count_exactly, estimate_counts
from pipeline.audience.facets import FacetTable
from pipeline.audience.sketch import Sketch
from pipeline.store import Database
from reporter.audience_loading import AudienceLoader, Workers
from reporter.audience_parts import BucketPart, Part, find_parts
from reporter.cache import ByteBoundedCache, Sized
from reporter.range_audience import RangeAudience
from reporter.ranges import TimeRange
from reporter.settings import ReporterSettings

_MAX_FACET_STRINGS = 500_000
"""A table that has grown beyond this (senders who make up countries) is begun anew, and the cache with it."""

_ALWAYS_PAIRS = 1 << 62
_PAIRS_OF_MIDDLE = 300_000  # 4 MB, and 25 ms to add to a sketch; as a sketch it would be 34 MB


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
        self._loader = AudienceLoader(database, self._workers, self._cache)

    async def count(self, source: str, time_range: TimeRange, *, exact: bool, events: int) -> AudienceCounts:
        """The distinct users of a range that holds so many events. Estimates stand within 1 % (hyperloglog.py)."""
        key = (source, exact, time_range)
        audience = self._remembered(source, key, _ALWAYS_PAIRS if exact else 0)
        async with audience.changing:
            parts = frozenset(await find_parts(self._database, source, time_range, events))
            new = parts - audience.parts
            if audience.counts is None or new:
                if not audience.parts:
                    new -= await self._start_from_middles(source, exact, audience, new)
                await self._add(source, time_range, audience, new)
                # Buckets may have replaced segments meanwhile: only what is current needs to be remembered.
                audience.parts = parts
                audience.counts = await self._workers.run(lambda: self._counted(source, audience))
                self._cache.put(key, audience)
            return audience.counts

    async def _start_from_middles(
        self, source: str, exact: bool, audience: RangeAudience, new: Collection[Part]
    ) -> set[Part]:
        """Adds the runs of days, hours and minutes that other ranges may share; returns the parts that are done."""
        done: set[Part] = set()
        for seconds in LEVELS:
            run = sorted(
                (part for part in new if isinstance(part, BucketPart) and part.bucket_seconds == seconds),
                key=lambda part: part.starts_at,
            )
            if len(run) < 2 or len(run) == len(new):
                continue  # nothing to put together, or nothing around it
            key = (source, exact, seconds, run[0].starts_at, run[-1].starts_at)
            middle = self._remembered(source, key, _ALWAYS_PAIRS if exact else _PAIRS_OF_MIDDLE)
            async with middle.changing:
                missing = frozenset(run) - middle.parts
                if middle.table is not audience.table:
                    continue  # the table was begun anew in between
                await self._add(source, TimeRange(), middle, missing)
                middle.parts |= missing
                self._cache.put(key, middle)
                await self._workers.run(lambda middle=middle: audience.add([middle.audience]))
            done |= set(run)
        return done

    async def _add(
        self, source: str, time_range: TimeRange, audience: RangeAudience, parts: Collection[Part]
    ) -> None:
        async for group in self._loader.load(source, audience.table, parts, time_range):
            await self._workers.run(lambda group=group: audience.add(group))

    def _remembered(self, source: str, key: tuple[object, ...], max_pairs: int) -> RangeAudience:
        if len(self._tables[source]) > _MAX_FACET_STRINGS:
            self._tables[source] = FacetTable(self._specs[source])
            self._cache.clear()
        audience = self._cache.get(key)
        max_age = self._settings.audience_cache_seconds
        if not isinstance(audience, RangeAudience) or time.monotonic() - audience.begun_at > max_age:
            audience = RangeAudience(self._tables[source], max_pairs)
            self._cache.put(key, audience)
        return audience

    def _counted(self, source: str, audience: RangeAudience) -> AudienceCounts:
        spec, top = self._specs[source], self._settings.top_values
        found: Audience = audience.audience
        if isinstance(found, Sketch):
            return estimate_counts(found, spec, top)
        return count_exactly(found, audience.table, spec, top)
