"""`GET /reports/revenue`: money per source, exact."""

from collections.abc import Awaitable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get

from pipeline.events.vocabulary import Vocabulary
from pipeline.store import Database
from reporter.answering import FROM, INVALID_FILTER, TO, Answering, parameter, source_parameter
from reporter.filters import Filters
from reporter.freshness import HEADER_DOCUMENTATION
from reporter.ranges import bounds_parameters, cover, cut_parameters, spans_parameter

FILTERS = ("from", "to", "source", "campaignId")

_SALES = ("checkout.complete", "purchase")
_CENT = Decimal("0.01")
_EXACT = Context(prec=1000)  # Postgres' own numeric ends at about that many digits before the point

_SUMS = """
SELECT source, currency, sum(transactions)::text AS transactions, sum(revenue)::text AS revenue
FROM (
    SELECT sums.*
    FROM json_to_recordset($1::json) AS span(seconds integer, starts timestamptz, ends timestamptz)
    CROSS JOIN LATERAL (
        SELECT source, currency, sum(transactions) AS transactions, sum(revenue) AS revenue
        FROM event_rollups
        WHERE bucket_seconds = span.seconds AND bucket >= span.starts AND bucket < span.ends
          AND transactions > 0
        GROUP BY source, currency
    ) AS sums
"""
_SUMS_OF_CUTS = """
    UNION ALL
    SELECT source, coalesce(currency, ''), count(amount), sum(amount)
    FROM events
    WHERE ((occurred_at >= $3::timestamptz AND occurred_at < $4::timestamptz)
        OR (occurred_at >= $5::timestamptz AND occurred_at < $6::timestamptz))
      AND amount IS NOT NULL
    GROUP BY source, currency
"""
_SUMS_FILTERED = """
) AS parts
WHERE $2::text IS NULL OR source = $2
GROUP BY source, currency
"""
# Rollups know no campaigns (nearly every transaction has one of its own): the partial index finds them.
_SUMS_OF_CAMPAIGN = """
SELECT source, coalesce(currency, '') AS currency, count(amount)::text AS transactions, sum(amount)::text AS revenue
FROM events
WHERE campaign_id = $1 AND amount IS NOT NULL
  AND occurred_at >= $2::timestamptz AND occurred_at < $3::timestamptz
  AND ($4::text IS NULL OR source = $4)
GROUP BY source, coalesce(currency, '')
"""


class Revenue(msgspec.Struct, frozen=True, rename="camel"):
    """Money as decimal strings. The total is exact, with all digits that the amounts have and at least two; the
    average is rounded to two digits, half to even, and "0.00" without transactions.

    A transaction is a `checkout.complete` or `purchase` with an amount. `currency` is null where the events name
    none; a source with several currencies has one row for each.
    """

    source: str
    currency: str | None
    total_revenue: str
    transaction_count: int
    average_transaction_value: str


async def sum_revenue(database: Database, filters: Filters, selling: Iterable[str]) -> list[Revenue]:
    """The report, by source and currency. Each source in `selling` that has no transaction gets a row of zeros, so
    that a client finds the same rows whatever happened; so does a source without campaigns if one is asked for.
    """
    if filters.campaign_id is None:
        rows = await _sums(database, filters)
    else:
        bounds = bounds_parameters(filters.time_range)
        rows = await database.query(_SUMS_OF_CAMPAIGN, filters.campaign_id, *bounds, filters.source)
    revenues = [_revenue(row) for row in rows]
    present = {revenue.source for revenue in revenues}
    revenues += [Revenue(source, None, "0.00", 0, "0.00") for source in selling if source not in present]
    return sorted(revenues, key=lambda revenue: (revenue.source, revenue.currency or ""))


async def _sums(database: Database, filters: Filters) -> list[dict[str, Any]]:
    covered = cover(filters.time_range)
    spans = spans_parameter(covered.spans)
    if not covered.cuts:
        return await database.query(_SUMS + _SUMS_FILTERED, spans, filters.source)
    statement = _SUMS + _SUMS_OF_CUTS + _SUMS_FILTERED
    return await database.query(statement, spans, filters.source, *cut_parameters(covered.cuts))


def _revenue(row: Mapping[str, Any]) -> Revenue:
    total, transactions = Decimal(row["revenue"]), int(row["transactions"])
    average = _EXACT.divide(total, Decimal(transactions)).quantize(_CENT, ROUND_HALF_EVEN, _EXACT)
    return Revenue(row["source"], row["currency"] or None, money(total), transactions, f"{average:f}")


def money(amount: Decimal) -> str:
    """All digits that the amount has, and at least two after the point."""
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -2:
        amount = amount.quantize(_CENT, context=_EXACT)
    return f"{amount:f}"


def selling_sources(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The sources that money can come from: those that have a word for a sale."""
    return tuple(
        name
        for name, words in vocabulary.sources.items()
        if any(sale in types for types in words.event_types.values() for sale in _SALES)
    )


def revenue_route(database: Database, answering: Answering) -> Router:
    """The report over HTTP."""
    sources = tuple(answering.vocabulary.sources)
    selling = selling_sources(answering.vocabulary)

    @get(
        "/revenue",
        summary="Money per source",
        description="Totals as exact decimal strings; the average is rounded to two digits, half to even. A source "
        "without transactions has a row of zeros. TikTok has no campaigns: with `campaignId` its row is zero.",
        response_headers=HEADER_DOCUMENTATION,
        responses=INVALID_FILTER,
    )
    async def revenue(
        request: Request[Any, Any, Any],
        from_: Annotated[str | None, FROM] = None,
        to: Annotated[str | None, TO] = None,
        source: Annotated[str | None, source_parameter(sources)] = None,
        campaign_id: Annotated[
            str | None, parameter("campaignId", "Only transactions of this campaign.", "camp-1a2b3")
        ] = None,
    ) -> Response[list[Revenue]]:
        def report(filters: Filters) -> Awaitable[list[Revenue]]:
            return sum_revenue(database, filters, (filters.source,) if filters.source else selling)

        return await answering.answer("revenue", request, FILTERS, sources, report)

    return Router("/", route_handlers=[revenue])
