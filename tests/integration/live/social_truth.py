"""What the counters of posts must say, from who likes what and from the events themselves, and what they say."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from tests.integration.live import truth as events_truth

Values = dict[str, dict[str, int]]

_LIKES = "SELECT post_id, (at AT TIME ZONE 'UTC')::date AS day FROM social_likes WHERE liked"
_OTHERS = """
SELECT event_type, payload #>> '{action,postId}' AS post_id, count(*) AS number
FROM events WHERE source = 'social' AND event_type IN ('comment', 'share') GROUP BY 1, 2
"""


async def truth(look: asyncpg.Connection) -> Values:
    """Counted one by one: no sum of days and no update is asked."""
    values = await events_truth.truth(look, "social")
    today = datetime.now(UTC).date()
    for row in await look.fetch(_LIKES):
        post, day = row["post_id"], row["day"]
        keys = [f"post:{post}:likes", "top_posts"]
        keys += [f"top_posts:{day:%Y%m%d}"] if day >= today - timedelta(days=35) else []
        keys += [f"top_posts:{day:%Y%m}"] if end_of_month(day) >= today - timedelta(days=400) else []
        for key in keys:
            add(values, key, post, 1)
    for row in await look.fetch(_OTHERS):
        add(values, f"post:{row['post_id']}:{row['event_type']}s", row["post_id"], row["number"])
    return values


async def counted(redis: Redis) -> Values:
    """All counters in Redis, by a plain client; a string as if it were a set with its post alone.

    Raises AssertionError where there is something else in place of a counter.
    """
    try:
        values = await events_truth.counted(redis, "social")
        keys = [key async for key in redis.scan_iter(match="post:*:*", count=1000)]
        for key, value in zip(keys, await redis.mget(keys) if keys else [], strict=True):
            values[key] = {key.removeprefix("post:").rpartition(":")[0]: int(value or 0)}
        async for key in redis.scan_iter(match="top_posts*", count=1000):
            members = await redis.zrange(key, 0, -1, withscores=True)
            values[key] = {str(post): int(score) for post, score in members}
    except (ResponseError, ValueError) as error:
        raise AssertionError(error) from error
    return values


def add(values: Values, key: str, field: str, number: int) -> None:
    """Adds to one number."""
    fields = values.setdefault(key, {})
    fields[field] = fields.get(field, 0) + number


def end_of_month(day: date) -> date:
    """Its last day."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
