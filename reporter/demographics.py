"""`GET /reports/demographics`: distinct users per source and per value of each of its facets."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.audience.counting import AudienceCounts
from pipeline.audience.hyperloglog import STANDARD_ERROR
from pipeline.events.vocabulary import SourceVocabulary, Vocabulary
from pipeline.store import Database
from reporter.audience import AudienceCounter
from reporter.filters import Filters
from reporter.ranges import cover, cut_parameters, spans_parameter
from reporter.settings import ReporterSettings

FILTERS = ("from", "to", "source")

_SUMS = """
SELECT source, sum(events)::text AS events, sum(watches)::text AS watches,
       sum(watch_seconds)::text AS watch_seconds, sum(watched_percent)::text AS watched_percent
FROM (
    SELECT sums.*
    FROM json_to_recordset($1::json) AS span(seconds integer, starts timestamptz, ends timestamptz)
    CROSS JOIN LATERAL (
        SELECT source, sum(events) AS events, sum(watches) AS watches, sum(watch_seconds) AS watch_seconds,
               sum(watched_percent) AS watched_percent
        FROM event_rollups
        WHERE bucket_seconds = span.seconds AND bucket >= span.starts AND bucket < span.ends
        GROUP BY source
    ) AS sums
"""
_SUMS_OF_CUTS = """
    UNION ALL
    SELECT source, count(*), count(watch_seconds), coalesce(sum(watch_seconds), 0),
           coalesce(sum(watched_percent), 0)
    FROM events
    WHERE (occurred_at >= $2::timestamptz AND occurred_at < $3::timestamptz)
       OR (occurred_at >= $4::timestamptz AND occurred_at < $5::timestamptz)
    GROUP BY source
"""
_SUMS_GROUPED = """
) AS parts
GROUP BY source
"""


class DemographicsReport:
    """The report over all sources that have facets. `result_type` is what a source's part looks like."""

    def __init__(self, database: Database, vocabulary: Vocabulary, settings: ReporterSettings) -> None:
        self.specs = {name: dict(words.facets) for name, words in vocabulary.sources.items() if words.facets}
        self.sources = tuple(self.specs)
        self._database = database
        self._settings = settings
        self._counter = AudienceCounter(database, settings, self.specs)
        self._part_types = {
            name: part_type(name, vocabulary.sources[name], watches=name in settings.watch_time_sources)
            for name in self.sources
        }
        fields = [(name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in self._part_types.items()]
        self.result_type = msgspec.defstruct("Demographics", fields, frozen=True)

    async def of(self, filters: Filters) -> msgspec.Struct:
        """The report, with one member per source that the filter leaves."""
        sums = await _sums(self._database, filters)
        parts = await asyncio.gather(
            *(self._part(name, filters, sums.get(name, {})) for name in filters.sources)
        )
        return self.result_type(**dict(zip(filters.sources, parts, strict=True)))

    async def _part(self, source: str, filters: Filters, sums: Mapping[str, str]) -> msgspec.Struct:
        events = int(sums.get("events", 0))
        exact = events <= self._settings.exact_users_up_to_events
        counts = await self._counter.count(source, filters.time_range, exact=exact, events=events)
        members: dict[str, Any] = {**counts.values, **_accuracy(counts)}
        if source in self._settings.watch_time_sources:
            members["average_watch_seconds"] = _average(sums, "watch_seconds")
            members["average_percentage_watched"] = _average(sums, "watched_percent")
        return self._part_types[source](**members)


def part_type(source: str, words: SourceVocabulary, *, watches: bool) -> type[msgspec.Struct]:
    """The type of one source's part, made from its facets, so that OpenAPI tells what really comes."""
    fields: list[Any] = [("total_users", int), *((facet, dict[str, int]) for facet in words.facets)]
    if watches:
        fields += [("average_watch_seconds", float | None), ("average_percentage_watched", float | None)]
    fields += [("approximate", bool), ("standard_error_percent", float)]
    return msgspec.defstruct(f"{source.capitalize()}Demographics", fields, rename="camel", frozen=True)


def _accuracy(counts: AudienceCounts) -> dict[str, Any]:
    return {
        "total_users": counts.total,
        "approximate": counts.estimated,
        "standard_error_percent": round(STANDARD_ERROR * 100, 2) if counts.estimated else 0.0,
    }


def _average(sums: Mapping[str, str], measure: str) -> float | None:
    """To two digits, half to even; None when nothing was watched."""
    watches = int(sums.get("watches", 0))
    return float(round(Decimal(sums[measure]) / watches, 2)) if watches else None


async def _sums(database: Database, filters: Filters) -> Mapping[str, Mapping[str, str]]:
    """Events and watch time of each source in the range."""
    covered = cover(filters.time_range)
    spans = spans_parameter(covered.spans)
    if covered.cuts:
        statement = _SUMS + _SUMS_OF_CUTS + _SUMS_GROUPED
        rows = await database.query(statement, spans, *cut_parameters(covered.cuts))
    else:
        rows = await database.query(_SUMS + _SUMS_GROUPED, spans)
    return {row["source"]: row for row in rows}
