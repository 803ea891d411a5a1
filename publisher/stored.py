"""Reading back which events are stored, in slices of time, so that memory stays bounded however many there
are."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, LiteralString, Protocol

from publisher.ledger import Stored

SLICE_ROWS = 20_000  # about 0.8 MB of ids
_WINDOW_SECONDS = 600  # counted by one statement, well within its time limit

# Slices are planned from counts per second: a fixed slice would hold a million rows or none.
_COUNT_BY_SECOND = """
SELECT second::text AS second, count(*)::text AS rows
FROM (
    SELECT floor(extract(epoch FROM occurred_at))::bigint AS second
    FROM events
    WHERE occurred_at >= $1::timestamptz AND occurred_at < $2::timestamptz
) AS moments
GROUP BY second
ORDER BY moments.second
"""
# One row per source instead of one per event. The publisher's ids have 39 or 40 characters and no space.
_IDS = """
SELECT source,
       count(*)::text AS rows,
       coalesce(string_agg(event_id, ' ') FILTER (WHERE length(event_id) IN (39, 40)), '') AS ids
FROM events
WHERE occurred_at >= $1::timestamptz AND occurred_at < $2::timestamptz
GROUP BY source
"""
_ANY = """
SELECT 1 AS one FROM events
WHERE occurred_at >= $1::timestamptz AND source = ANY(string_to_array($2, ','))
LIMIT 1
"""


class Queryable(Protocol):
    """A database; `pipeline.store.Database` is one."""

    async def query(self, sql: LiteralString, *parameters: Any) -> list[dict[str, Any]]: ...


async def is_empty_from(database: Queryable, start_ms: int) -> bool:
    """Whether no event of the publisher's sources happened at `start_ms` or later."""
    return not await database.query(_ANY, iso_instant(start_ms), "facebook,tiktok")


async def read_stored(database: Queryable, start_ms: int, end_ms: int) -> Stored:
    """All stored events that happened in [start_ms, end_ms)."""
    stored = Stored()
    async for since, until in slices(database, start_ms, end_ms):
        for row in await database.query(_IDS, iso_instant(since), iso_instant(until)):
            if row["source"] not in stored.keys:
                continue  # sources that the publisher does not play, such as social actions
            stored.add(row["source"], row["ids"], int(row["rows"]))
    return stored


async def slices(database: Queryable, start_ms: int, end_ms: int) -> AsyncIterator[tuple[int, int]]:
    """Pieces of the range with about `SLICE_ROWS` rows each, or a whole second where that holds more."""
    for since in range(start_ms, end_ms, _WINDOW_SECONDS * 1000):
        window_end = min(since + _WINDOW_SECONDS * 1000, end_ms)
        counts = await database.query(_COUNT_BY_SECOND, iso_instant(since), iso_instant(window_end))
        begin, rows = since, 0
        for count in counts:
            second_ms = int(count["second"]) * 1000
            if rows and rows + int(count["rows"]) > SLICE_ROWS:
                yield begin, second_ms
                begin, rows = second_ms, 0
            rows += int(count["rows"])
        if rows:
            yield begin, window_end


def iso_instant(ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, for SQL and for the reports' filters."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
