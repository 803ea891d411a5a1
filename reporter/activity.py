"""`GET /activity`: what happened hour by hour or day by day, from the rollups."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get

from pipeline.store import Database
from reporter.answering import FROM, INVALID_FILTER, TO, Answering, parameter, source_parameter
from reporter.filters import Filters, read_filters
from reporter.freshness import HEADER_DOCUMENTATION
from reporter.query import Query
from reporter.ranges import EPOCH, SIZES, cover, cut_parameters, spans_parameter
from reporter.revenue import money

FILTERS = ("by", "from", "to", "source")
SECONDS = {"hour": 3_600, "day": 86_400}

# As in `events.py`; no bucket is larger than those of the answer, so each belongs to one of them.
_SUMS = """
SELECT bucket, source, currency, sum(events)::text AS events, sum(transactions)::text AS transactions,
       sum(revenue)::text AS revenue
FROM (
    SELECT sums.*
    FROM json_to_recordset($1::json) AS span(seconds integer, starts timestamptz, ends timestamptz)
    CROSS JOIN LATERAL (
        SELECT floor(extract(epoch FROM bucket) / $2::integer)::bigint::text AS bucket, source, currency,
               sum(events) AS events, sum(transactions) AS transactions, sum(revenue) AS revenue
        FROM event_rollups
        WHERE bucket_seconds = span.seconds AND bucket >= span.starts AND bucket < span.ends
        GROUP BY 1, 2, 3
    ) AS sums
"""
_SUMS_OF_CUTS = """
    UNION ALL
    SELECT floor(extract(epoch FROM occurred_at) / $2::integer)::bigint::text, source, coalesce(currency, ''),
           count(*), count(amount), coalesce(sum(amount), 0)
    FROM events
    WHERE (occurred_at >= $4::timestamptz AND occurred_at < $5::timestamptz)
       OR (occurred_at >= $6::timestamptz AND occurred_at < $7::timestamptz)
    GROUP BY 1, 2, 3
"""
_SUMS_FILTERED = """
) AS parts
WHERE $3::text IS NULL OR source = $3
GROUP BY bucket, source, currency
ORDER BY bucket::bigint, source, currency
"""


class Taken(msgspec.Struct, frozen=True, rename="camel"):
    """Money of one currency, null where the events name none: an exact decimal string."""

    currency: str | None
    total_revenue: str


class Activity(msgspec.Struct, frozen=True, rename="camel"):
    """What a source told of in one hour or day, which begins at `bucket`; where the range cuts it, of the part within.

    `revenue` has a member for each currency in which there were transactions. Buckets without events have no row.
    """

    bucket: datetime
    source: str
    events: int
    transactions: int
    revenue: list[Taken]


async def sum_activity(database: Database, by: str, filters: Filters) -> list[Activity]:
    """The report, in order of time, sources by name."""
    seconds = SECONDS[by]
    covered = cover(filters.time_range, tuple(size for size in SIZES if size <= seconds))
    parameters = (spans_parameter(covered.spans), seconds, filters.source)
    if covered.cuts:
        statement = _SUMS + _SUMS_OF_CUTS + _SUMS_FILTERED
        rows = await database.query(statement, *parameters, *cut_parameters(covered.cuts))
    else:
        rows = await database.query(_SUMS + _SUMS_FILTERED, *parameters)
    return _merged(rows, seconds)


def _merged(rows: Iterable[Mapping[str, Any]], seconds: int) -> list[Activity]:
    """One of each bucket and source, from one of each currency."""
    merged: list[Activity] = []
    for (bucket, source), group in groupby(rows, key=lambda row: (int(row["bucket"]), str(row["source"]))):
        of_currencies = list(group)
        merged.append(
            Activity(
                EPOCH + timedelta(seconds=bucket * seconds),
                source,
                sum(int(row["events"]) for row in of_currencies),
                sum(int(row["transactions"]) for row in of_currencies),
                [
                    Taken(row["currency"] or None, money(Decimal(row["revenue"])))
                    for row in of_currencies
                    if int(row["transactions"])
                ],
            )
        )
    return merged


def activity_route(database: Database, answering: Answering) -> Router:
    """The report over HTTP."""
    sources = tuple(answering.vocabulary.sources)

    @get(
        "/activity",
        summary="What happened hour by hour or day by day",
        description="Events, transactions and money of each source in each hour or day (UTC) of the range. Exact, also "
        "where the range cuts an hour.",
        response_headers=HEADER_DOCUMENTATION,
        responses=INVALID_FILTER,
    )
    async def activity(
        request: Request[Any, Any, Any],
        by: Annotated[
            str | None, parameter("by", "How long a bucket is; `hour` without it.", "hour", SECONDS)
        ] = None,
        from_: Annotated[str | None, FROM] = None,
        to: Annotated[str | None, TO] = None,
        source: Annotated[str | None, source_parameter(sources)] = None,
    ) -> Response[list[Activity]]:
        query = Query(request.query_params.multi_items(), FILTERS)
        size = query.one_of("by", tuple(SECONDS)) or "hour"
        filters = read_filters(query, answering.vocabulary, sources)
        query.check()
        return await answering.answer_about(
            "activity", filters.sources, lambda: sum_activity(database, size, filters)
        )

    return Router("/", route_handlers=[activity])
