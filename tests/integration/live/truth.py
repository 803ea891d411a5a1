"""What the counters must say, from the events themselves, and what they say."""

from datetime import UTC, datetime, timedelta

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import ResponseError

SOURCE = "facebook"

Values = dict[str, dict[str, int]]

_BY_DAY = """
SELECT event_type, (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS events
FROM events WHERE source = $1 GROUP BY 1, 2
"""


async def truth(look: asyncpg.Connection, source: str = SOURCE) -> Values:
    """Counted one by one: no rollup and no update is asked."""
    values: Values = {}
    first = datetime.now(UTC).date() - timedelta(days=35)
    for row in await look.fetch(_BY_DAY, source):
        keys = [f"events:{source}", f"events:{source}:{row['day']:%Y%m%d}"]
        for key in keys if row["day"] >= first else keys[:1]:
            fields = values.setdefault(key, {})
            fields[row["event_type"]] = fields.get(row["event_type"], 0) + row["events"]
    return values


async def counted(redis: Redis, source: str = SOURCE) -> Values:
    """All counters of the source in Redis, whatever their names.

    Raises AssertionError where there is something else in place of a counter.
    """
    keys = [str(key) async for key in redis.scan_iter(match=f"events:{source}*", count=1000)]
    try:
        return {
            key: {str(field): int(number) for field, number in (await redis.hgetall(key)).items()}
            for key in sorted(keys)
        }
    except (ResponseError, ValueError) as error:
        raise AssertionError(error) from error
