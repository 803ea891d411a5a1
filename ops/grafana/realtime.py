"""*Real-time*: the live counters in Redis, a second old at most, and the alerts that our own rules have raised."""

from grafana_foundation_sdk.models.dashboard import Panel

from ops.grafana import frame
from ops.grafana.frame import Board, Section
from ops.grafana.panels import Figure, bars, number, rows
from ops.grafana.queries import redis_best, redis_hash, redis_number, sql

_TODAY = "${__to:date:YYYYMMDD}"
_MONTH = "${__to:date:YYYYMM}"
_FIELDS = [("convertFieldType", {"conversions": [{"targetField": "Value", "destinationType": "number"}]})]


def board() -> Board:
    """For the screen on the wall."""
    return Board(
        uid="sluice-realtime",
        title="Real-time",
        description="Likes, top posts and events as they come, from the live counters in Redis.",
        variables=[frame.one_source_variable(), frame.liked_post_variable()],
        since="now-5m",
        refresh="5s",
        timezone="utc",
        sections=[
            Section(
                heading="Posts",
                panels=[
                    _best("Trending", "Posts by points: 1 for a like, 2 for a comment, 3 for a share; a "
                                      "day later half as much. The scale grows with time, so compare the "
                                      "bars and not the numbers.", "trending_posts"),
                    _best("Top of today", "Posts by the people who like them and said so on the day in "
                                          "which the range ends. The day is that of the browser's clock, "
                                          "and counted in UTC.", f"top_posts:{_TODAY}"),
                    _best("Top of the month", "The same of the month.", f"top_posts:{_MONTH}"),
                    _best("Top of all time", "Posts by the people who like them now.", "top_posts"),
                ],
            ),
            Section(
                heading="The post $post",
                panels=[
                    _of_post("Likes", "People who like the post now.", "likes"),
                    _of_post("Comments", "What was said about it.", "comments"),
                    _of_post("Shares", "How often it was shared.", "shares"),
                ],
            ),
            Section(
                heading="Events of $source",
                panels=[
                    _events("Today", "Events of the day in which the range ends, by type. The day is that "
                                     "of the browser's clock, and counted in UTC.", f"events:$source:{_TODAY}"),
                    _events("Retained", "All events that are stored, by type.", "events:$source"),
                ],
            ),
            Section(heading="Alerts of our rules", panels=[_open(), _latest()]),
        ],
    )  # fmt: skip


def _best(title: str, description: str, key: str) -> Panel:
    return bars(
        Figure(
            title=title,
            description=description,
            unit="short",
            queries=[redis_best(key, 10)],
            width=6,
            height=11,
            no_value="none yet",
        ),
        by="column",
    )


def _of_post(title: str, description: str, number_of: str) -> Panel:
    return number(
        Figure(
            title=title,
            description=f"{description} Choose the post above.",
            unit="short",
            queries=[redis_number(f"post:$post:{number_of}")],
            width=8,
            height=5,
            no_value="0",
        )
    )


def _events(title: str, description: str, key: str) -> Panel:
    return bars(
        Figure(
            title=title,
            description=description,
            unit="short",
            queries=[redis_hash(key)],
            transformations=_FIELDS,
            no_value="none yet",
        )
    )


def _open() -> Panel:
    return number(
        Figure(
            title="Open alerts",
            description="Alerts of docs/alerts.md that have not cleared, by kind.",
            unit="short",
            queries=[sql(_OPEN)],
            width=6,
            limits=(1, 5),
        )
    )


def _latest() -> Panel:
    return rows(
        Figure(
            title="Latest alerts",
            description="The newest fifty, open or cleared. A milestone clears when it opens.",
            unit="string",
            queries=[sql(_LATEST)],
            width=18,
            no_value="none yet",
        ),
        units={"Opened": "dateTimeAsIso", "Cleared": "dateTimeAsIso"},
        newest_first_by="Opened",
    )


_OPEN = """
SELECT count(*) FILTER (WHERE kind = 'FRAUD') AS "fraud",
       count(*) FILTER (WHERE kind = 'ABSENCE') AS "absence",
       count(*) FILTER (WHERE kind = 'ERROR_RATE') AS "error rate"
FROM alerts
WHERE cleared_at IS NULL
"""
_LATEST = """
SELECT opened_at AS "Opened", kind AS "Kind", rule AS "Rule", subject AS "Subject", cleared_at AS "Cleared"
FROM alerts
ORDER BY opened_at DESC, id DESC
LIMIT 50
"""
