"""*Historical analytics*: what happened in weeks and months, from the rollups in Postgres.

No statement reads the events themselves: each costs as much as its answer is large. Rollups are added up by hours, so
an hour that the range cuts counts as a whole; the reports of the reporter are exact to the microsecond.
"""

from typing import LiteralString

from grafana_foundation_sdk.models.dashboard import Panel

from ops.grafana import frame, palette
from ops.grafana.frame import Board, Section
from ops.grafana.panels import Figure, bars, lines, number, rows
from ops.grafana.queries import sql
from ops.grafana.top_posts import TOP_POSTS

_IN_RANGE: LiteralString = """bucket_seconds = 3600
  AND bucket >= date_trunc('hour', $__timeFrom()::timestamptz) AND bucket < $__timeTo()::timestamptz
  AND source IN ($source)"""
_BY_DAYS: LiteralString = """bucket_seconds = 86400
  AND bucket >= date_trunc('day', $__timeFrom()::timestamptz, 'UTC') AND bucket < $__timeTo()::timestamptz
  AND source IN ($source)"""


def board() -> Board:
    """For analysts."""
    return Board(
        uid="sluice-history",
        title="Historical analytics",
        description="Activity, revenue and the posts of the month, from the rollups in Postgres.",
        variables=[frame.stored_sources_variable()],
        since="now-30d",
        refresh="5m",
        timezone="utc",
        sections=[
            Section(heading="In the range", panels=[_events(), _transactions(), _age()]),
            Section(heading="Activity", panels=[_by_hour(), _by_hour_of_day()]),
            Section(heading="Revenue", panels=[_revenue(), _revenue_by_day()]),
            Section(heading="What people do", panels=[_funnel(), _types(), _social()]),
            Section(heading="Posts", panels=[_top_posts()]),
        ],
    )


def _sum_by_source(title: str, description: str, column: LiteralString) -> Panel:
    statement = f"""
SELECT source AS "Source", sum({column})::bigint AS "Sum"
FROM event_rollups
WHERE {_IN_RANGE}
GROUP BY source
ORDER BY source
"""  # noqa: S608 - constants of this module
    return bars(
        Figure(
            title=title,
            description=description,
            unit="short",
            queries=[sql(statement)],
            width=8,
            height=6,
        )
    )


def _events() -> Panel:
    return _sum_by_source("Events", "Events that happened in the range, by source.", "events")


def _transactions() -> Panel:
    description = "Purchases and checkouts with an amount, by source."
    return _sum_by_source("Transactions", description, "transactions")


def _age() -> Panel:
    statement = """
SELECT extract(epoch FROM now() - min(complete_through)) AS "age"
FROM collector_progress
WHERE source IN ($source)
"""
    return number(
        Figure(
            title="How old the figures are",
            description="Everything that was accepted before so much time is in them. It grows while a "
            "collector is away.",
            unit="s",
            queries=[sql(statement)],
            width=8,
            height=6,
            limits=(10, 60),
            decimals=0,
        )
    )


def _by_hour() -> Panel:
    statement = f"""
SELECT bucket AS "time", source AS metric, sum(events)::double precision AS value
FROM event_rollups
WHERE {_IN_RANGE}
GROUP BY bucket, source
ORDER BY bucket, source
"""  # noqa: S608 - constants of this module
    return lines(
        Figure(
            title="Activity by hour",
            description="Events of each hour, by the time at which they happened.",
            unit="short",
            colours=palette.SOURCES,
            queries=[sql(statement, "time_series")],
            width=16,
        ),
        stacked=True,
        bars=True,
    )


def _by_hour_of_day() -> Panel:
    statement = f"""
SELECT to_char(bucket AT TIME ZONE 'UTC', 'HH24":00"') AS "Hour", sum(events)::bigint AS "Events"
FROM event_rollups
WHERE {_IN_RANGE}
GROUP BY 1
ORDER BY 1
"""  # noqa: S608 - constants of this module
    return bars(
        Figure(
            title="When people are active",
            description="Events by the hour of the day (UTC), all days of the range together.",
            unit="short",
            queries=[sql(statement)],
            width=8,
        )
    )


def _revenue() -> Panel:
    statement = f"""
SELECT source AS "Source", coalesce(nullif(currency, ''), 'not named') AS "Currency", sum(revenue) AS "Revenue",
       sum(transactions)::bigint AS "Transactions", round(sum(revenue) / sum(transactions), 2) AS "Average"
FROM event_rollups
WHERE {_IN_RANGE}
  AND transactions > 0
GROUP BY source, currency
ORDER BY sum(revenue) DESC
"""  # noqa: S608 - constants of this module
    return rows(
        Figure(
            title="Revenue",
            description="By source and currency. Currencies are not added up; the firehose names none.",
            unit="locale",
            queries=[sql(statement)],
            no_value="no transactions",
        )
    )


def _revenue_by_day() -> Panel:
    statement = f"""
SELECT bucket AS "time", concat_ws(' ', source, nullif(currency, '')) AS metric, sum(revenue)::double precision AS value
FROM event_rollups
WHERE {_BY_DAYS}
  AND transactions > 0
GROUP BY bucket, source, currency
ORDER BY bucket, source, currency
"""  # noqa: S608 - constants of this module
    return lines(
        Figure(
            title="Revenue by day",
            description="Of each day of UTC, by source and currency.",
            unit="locale",
            colours=palette.SOURCES,
            queries=[sql(statement, "time_series")],
            no_value="no transactions",
        ),
        bars=True,
    )


def _funnel() -> Panel:
    statement = f"""
SELECT concat(source, ', ', funnel_stage) AS "Stage", sum(events)::bigint AS "Events"
FROM event_rollups
WHERE {_IN_RANGE}
GROUP BY source, funnel_stage
ORDER BY source, funnel_stage DESC
"""  # noqa: S608 - constants of this module
    return bars(
        Figure(
            title="Funnel",
            description="Events at the top of the funnel (people look and react) and at its bottom (they "
            "act and buy).",
            unit="short",
            queries=[sql(statement)],
            width=8,
            height=10,
        )
    )


def _types() -> Panel:
    statement = f"""
SELECT source AS "Source", event_type AS "Type", sum(events)::bigint AS "Events",
       sum(events) / sum(sum(events)) OVER (PARTITION BY source) AS "Share of the source"
FROM event_rollups
WHERE {_IN_RANGE}
GROUP BY source, event_type
ORDER BY source, sum(events) DESC
"""  # noqa: S608 - constants of this module
    return rows(
        Figure(
            title="Events by type",
            description="How many of each type, and their share of the source's events.",
            unit="short",
            queries=[sql(statement)],
            width=8,
            height=10,
        ),
        units={"Share of the source": "percentunit"},
    )


def _social() -> Panel:
    statement = """
SELECT bucket AS "time", event_type AS metric, sum(events)::double precision AS value
FROM event_rollups
WHERE bucket_seconds = 3600
  AND bucket >= date_trunc('hour', $__timeFrom()::timestamptz) AND bucket < $__timeTo()::timestamptz
  AND source = 'social'
GROUP BY bucket, event_type
ORDER BY bucket, event_type
"""
    return lines(
        Figure(
            title="Social actions by hour",
            description="Posts, likes, comments, shares and follows of each hour.",
            unit="short",
            queries=[sql(statement, "time_series")],
            width=8,
            height=10,
        ),
        bars=True,
    )


def _top_posts() -> Panel:
    return rows(
        Figure(
            title="Top 10 posts of the month",
            description="Of the month (UTC) in which the range ends: the posts with the most likes by "
            "people who like them now and said so in that month.",
            unit="short",
            queries=[sql(TOP_POSTS)],
            width=24,
            height=10,
            no_value="no likes yet",
        )
    )
