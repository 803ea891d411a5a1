"""`GET /reports/events`: how many events of each kind."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get

from pipeline.store import Database
from reporter.answering import FROM, INVALID_FILTER, TO, Answering, parameter, source_parameter
from reporter.filters import Filters
from reporter.freshness import HEADER_DOCUMENTATION
from reporter.ranges import cover, cut_parameters, spans_parameter

FILTERS = ("from", "to", "source", "funnelStage", "eventType")

# Each span is summed on its own (LATERAL over a grouped subquery): the planner then takes the primary key for
# each of the few ranges, whatever it believes about their sizes. `cut` bounds come as plain parameters, so that
# partitions are left out while planning.
_COUNTS = """
SELECT source, funnel_stage, event_type, sum(events)::text AS count
FROM (
    SELECT sums.*
    FROM json_to_recordset($1::json) AS span(seconds integer, starts timestamptz, ends timestamptz)
    CROSS JOIN LATERAL (
        SELECT source, funnel_stage, event_type, sum(events) AS events
        FROM event_rollups
        WHERE bucket_seconds = span.seconds AND bucket >= span.starts AND bucket < span.ends
        GROUP BY source, funnel_stage, event_type
    ) AS sums
"""
_COUNTS_OF_CUTS = """
    UNION ALL
    SELECT source, funnel_stage, event_type, count(*)
    FROM events
    WHERE (occurred_at >= $5::timestamptz AND occurred_at < $6::timestamptz)
       OR (occurred_at >= $7::timestamptz AND occurred_at < $8::timestamptz)
    GROUP BY source, funnel_stage, event_type
"""
_COUNTS_FILTERED = """
) AS parts
WHERE ($2::text IS NULL OR source = $2)
  AND ($3::text IS NULL OR funnel_stage = $3)
  AND ($4::text IS NULL OR event_type = $4)
GROUP BY source, funnel_stage, event_type
ORDER BY sum(events) DESC, source, funnel_stage, event_type
"""


class EventCount(msgspec.Struct, frozen=True, rename="camel"):
    """How many events of one kind happened in the range. Kinds without events have no row."""

    source: str
    funnel_stage: str
    event_type: str
    count: int


async def count_events(database: Database, filters: Filters) -> list[EventCount]:
    """The report: largest count first, equal counts by name."""
    covered = cover(filters.time_range)
    restrictions = (filters.source, filters.funnel_stage, filters.event_type)
    spans = spans_parameter(covered.spans)
    if covered.cuts:
        statement = _COUNTS + _COUNTS_OF_CUTS + _COUNTS_FILTERED
        rows = await database.query(statement, spans, *restrictions, *cut_parameters(covered.cuts))
    else:
        rows = await database.query(_COUNTS + _COUNTS_FILTERED, spans, *restrictions)
    return [
        EventCount(row["source"], row["funnel_stage"], row["event_type"], int(row["count"])) for row in rows
    ]


def events_route(database: Database, answering: Answering) -> Router:
    """The report over HTTP."""
    words = answering.vocabulary.sources
    sources = tuple(words)
    stages = [stage for source in words.values() for stage in source.event_types]
    types = [name for source in words.values() for stage in source.event_types.values() for name in stage]
    open_types = [f"{prefix}*" for source in words.values() for prefix in source.open_event_types]
    listed = ", ".join(f"`{name}`" for name in dict.fromkeys([*types, *open_types]))

    @get(
        "/events",
        summary="How many events of each kind",
        description="Counts per source, funnel stage and event type in the range, largest first. Exact.",
        response_headers=HEADER_DOCUMENTATION,
        responses=INVALID_FILTER,
    )
    async def events(
        request: Request[Any, Any, Any],
        from_: Annotated[str | None, FROM] = None,
        to: Annotated[str | None, TO] = None,
        source: Annotated[str | None, source_parameter(sources)] = None,
        funnel_stage: Annotated[
            str | None, parameter("funnelStage", "Only this stage of the funnel.", stages[0], stages)
        ] = None,
        event_type: Annotated[
            str | None,
            parameter("eventType", f"Only this type; one of the source's own: {listed}", types[0]),
        ] = None,
    ) -> Response[list[EventCount]]:
        return await answering.answer(
            "events", request, FILTERS, sources, lambda f: count_events(database, f)
        )

    return Router("/", route_handlers=[events])
