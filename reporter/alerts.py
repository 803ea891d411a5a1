"""`GET /alerts`: what the alert rules have raised."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get

from pipeline.store import Database
from reporter.answering import FROM, INVALID_FILTER, TO, parameter
from reporter.query import Query
from reporter.ranges import EPOCH, TimeRange, bounds_parameters
from reporter.telemetry import ReporterTelemetry

FILTERS = ("kind", "subject", "open", "from", "to", "limit")
KINDS = ("FRAUD", "MILESTONE", "ABSENCE", "ERROR_RATE")
MAX_ALERTS = 1000
_DEFAULT_ALERTS = 100
_MAX_SUBJECT_LENGTH = 128

_ALERTS = """
SELECT id::text, rule, kind, subject, (extract(epoch FROM opened_at) * 1000000)::bigint::text AS opened_at,
       (extract(epoch FROM cleared_at) * 1000000)::bigint::text AS cleared_at,
       (extract(epoch FROM raised_at) * 1000000)::bigint::text AS raised_at, details::text
FROM alerts
WHERE opened_at >= $1::timestamptz AND opened_at < $2::timestamptz
  AND ($3::text IS NULL OR kind = $3)
  AND ($4::text IS NULL OR subject = $4)
  AND ($5::boolean IS NULL OR (cleared_at IS NULL) = $5)
ORDER BY opened_at DESC, id DESC
LIMIT $6::integer
"""


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """An alert. `subject` is a post for FRAUD and MILESTONE, a source for ABSENCE and ERROR_RATE. `openedAt` and
    `clearedAt` are by the time of the events, `raisedAt` is when it was noticed; `clearedAt` is null while it is open.
    `details` depend on the rule."""

    id: str
    rule: str
    kind: str
    subject: str
    opened_at: datetime
    cleared_at: datetime | None
    raised_at: datetime
    details: dict[str, Any]


class AlertFilters(msgspec.Struct, frozen=True):
    """None restricts nothing. The range is of `opened_at`."""

    time_range: TimeRange
    kind: str | None
    subject: str | None
    is_open: bool | None
    limit: int


def parse_alert_filters(pairs: Iterable[tuple[str, str]]) -> AlertFilters:
    """Raises Problem (400) with all that is wrong."""
    query = Query(pairs, FILTERS)
    is_open = query.one_of("open", ("true", "false"))
    filters = AlertFilters(
        query.time_range(),
        query.one_of("kind", KINDS),
        query.text("subject", _MAX_SUBJECT_LENGTH, "a subject"),
        None if is_open is None else is_open == "true",
        query.number("limit", 1, MAX_ALERTS, _DEFAULT_ALERTS),
    )
    query.check()
    return filters


async def list_alerts(database: Database, filters: AlertFilters) -> list[Alert]:
    """The newest first."""
    bounds = bounds_parameters(filters.time_range)
    rows = await database.query(
        _ALERTS, *bounds, filters.kind, filters.subject, filters.is_open, filters.limit
    )
    return [_alert(row) for row in rows]


def _alert(row: Mapping[str, Any]) -> Alert:
    cleared_at = row["cleared_at"]
    return Alert(
        row["id"],
        row["rule"],
        row["kind"],
        row["subject"],
        _instant(row["opened_at"]),
        _instant(cleared_at) if cleared_at else None,
        _instant(row["raised_at"]),
        msgspec.json.decode(row["details"], type=dict[str, Any]),
    )


def _instant(micros: str) -> datetime:
    return EPOCH + timedelta(microseconds=int(micros))


def alerts_route(database: Database, telemetry: ReporterTelemetry) -> Router:
    """The list over HTTP. It says nothing of freshness: alerts come from the evaluator, not from a collector."""

    @get(
        "/alerts",
        summary="What the alert rules have raised",
        description="The newest first, by when they opened; `from` and `to` are about that, too.",
        responses=INVALID_FILTER,
        tags=["alerts"],
    )
    async def alerts(
        request: Request[Any, Any, Any],
        kind: Annotated[str | None, parameter("kind", "Only alerts of this kind.", "FRAUD", KINDS)] = None,
        subject: Annotated[
            str | None, parameter("subject", "Only alerts about this post or source.", "p-42")
        ] = None,
        open_: Annotated[
            str | None,
            parameter(
                "open", "Only those that are open, or only those that are not.", "true", ("true", "false")
            ),
        ] = None,
        from_: Annotated[str | None, FROM] = None,
        to: Annotated[str | None, TO] = None,
        limit: Annotated[
            str | None, parameter("limit", f"How many, up to {MAX_ALERTS}.", str(_DEFAULT_ALERTS))
        ] = None,
    ) -> Response[list[Alert]]:
        filters = parse_alert_filters(request.query_params.multi_items())
        started = time.perf_counter()
        found = await list_alerts(database, filters)
        telemetry.report_made("alerts", time.perf_counter() - started)
        return Response(found)

    return Router("/", route_handlers=[alerts])
