"""`GET /posts/top`: the posts with the most likes of a day, of a month, or of all time.

There may be a hundred thousand posts with a like in a month, each in rows of several shards, and twenty are asked for.
So not all are summed. The rows of each shard are indexed by the magnitude of their likes (binary digits), and this is
done with them, as "Efficient Top-K Query Calculation in Distributed Networks" (Cao and Wang, 2004) says:

1. Take the largest rows of each shard and sum the posts in them over all shards. The last of the best of those has
   `bound` likes: no post with fewer can be among the best.
2. A post with `bound` likes or more has a row with at least `bound` divided by the number of shards. Take the posts
   with a row of that magnitude; sum them, and the best of them are the best of all.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, LiteralString

import msgspec
from litestar import Request, Response, Router, get

from pipeline.store import Database
from reporter.answering import INVALID_FILTER, Answering, parameter
from reporter.freshness import HEADER_DOCUMENTATION
from reporter.query import Query

FILTERS = ("window", "date", "limit")
SOURCE = "social"

Window = Literal["day", "month", "all"]
WINDOWS: Mapping[str, Window] = {"day": "day", "month": "month", "all": "all"}

MAX_POSTS = 100
_DEFAULT_POSTS = 20

# $1 is the period, $2 the number of posts. Shards are found by stepping through the index, not by reading it. Of an
# array the planner expects a few elements, so posts are looked up one by one, which is right here: it cannot know how
# few have a magnitude that is yet to be found out.
_TOP: LiteralString = """
WITH RECURSIVE shards AS (
    SELECT min(shard) AS shard FROM {table} WHERE {period} = $1::date
    UNION ALL
    SELECT (SELECT min(shard) FROM {table} WHERE {period} = $1::date AND shard > previous.shard)
    FROM shards AS previous WHERE previous.shard IS NOT NULL
), bound AS (
    SELECT sums.likes
    FROM unnest(ARRAY(
        SELECT DISTINCT post_id
        FROM shards CROSS JOIN LATERAL (
            SELECT post_id FROM {table} AS kept
            WHERE kept.{period} = $1::date AND kept.shard = shards.shard
            ORDER BY magnitude DESC LIMIT $2::integer
        ) AS largest
    )) AS foremost(post_id)
    CROSS JOIN LATERAL (
        SELECT sum(likes) AS likes FROM {table} AS kept
        WHERE kept.post_id = foremost.post_id AND kept.{period} = $1::date
    ) AS sums
    ORDER BY likes DESC OFFSET $2::integer - 1 LIMIT 1
), least AS (
    SELECT social_magnitude(greatest(1, ceil((SELECT likes FROM bound) / count(shard)))::bigint) AS magnitude
    FROM shards
), best AS (
    SELECT candidates.post_id, sums.likes, sums.comments, sums.shares
    FROM unnest(ARRAY(
        SELECT DISTINCT post_id
        FROM shards CROSS JOIN LATERAL (
            SELECT post_id FROM {table} AS kept
            WHERE kept.{period} = $1::date AND kept.shard = shards.shard
              AND kept.magnitude >= (SELECT magnitude FROM least)
        ) AS large
    )) AS candidates(post_id)
    CROSS JOIN LATERAL (
        SELECT sum(likes) AS likes, sum(comments) AS comments, sum(shares) AS shares FROM {table} AS kept
        WHERE kept.post_id = candidates.post_id AND kept.{period} = $1::date
    ) AS sums
    WHERE sums.likes > 0
    ORDER BY likes DESC, post_id LIMIT $2::integer
)
SELECT post_id, user_id, text, likes::text, comments::text, shares::text
FROM best LEFT JOIN social_posts USING (post_id)
ORDER BY best.likes DESC, post_id
"""
TOP_OF_DAYS = _TOP.format(table="social_post_days", period="day")
TOP_OF_TOTALS = _TOP.format(table="social_post_totals", period="month")
_ALL_TIME = "-infinity"


class TopPost(msgspec.Struct, frozen=True, rename="camel"):
    """What people said of a post in the window. `likes` are of those who like it now and said so in the window.

    `userId` is null where nobody has said yet whose post it is, `text` where it has none.
    """

    post_id: str
    user_id: str | None
    text: str | None
    likes: int
    comments: int
    shares: int


class TopRequest(msgspec.Struct, frozen=True):
    """`day` is the day, or any day of the month; it means nothing for all time."""

    window: Window
    day: date
    limit: int


def parse_top_request(pairs: Iterable[tuple[str, str]], today: date) -> TopRequest:
    """Raises Problem (400) with all that is wrong."""
    query = Query(pairs, FILTERS)
    window = WINDOWS[query.one_of("window", tuple(WINDOWS)) or "day"]
    day = query.day("date")
    limit = query.number("limit", 1, MAX_POSTS, _DEFAULT_POSTS)
    if day and window == "all":
        query.refuse("date", "all time has no date: leave one of the two away")
    query.check()
    return TopRequest(window, day or today, limit)


async def top_posts(database: Database, asked: TopRequest) -> list[TopPost]:
    """The report: most likes first, equal ones by id. Posts that nobody likes are not among them."""
    match asked.window:
        case "day":
            rows = await database.query(TOP_OF_DAYS, asked.day.isoformat(), asked.limit)
        case "month":
            rows = await database.query(TOP_OF_TOTALS, asked.day.replace(day=1).isoformat(), asked.limit)
        case "all":
            rows = await database.query(TOP_OF_TOTALS, _ALL_TIME, asked.limit)
    return [
        TopPost(
            row["post_id"],
            row["user_id"],
            row["text"],
            int(row["likes"]),
            int(row["comments"]),
            int(row["shares"]),
        )
        for row in rows
    ]


def top_posts_route(database: Database, answering: Answering) -> Router:
    """The report over HTTP."""

    @get(
        "/top",
        summary="The posts with the most likes",
        description="Of a day or a month of UTC, or of all time; most likes first, equal ones by id. A like counts on "
        "the day of the last word, for as long as that is `like`. Exact.",
        response_headers=HEADER_DOCUMENTATION,
        responses=INVALID_FILTER,
    )
    async def top(
        request: Request[Any, Any, Any],
        window: Annotated[
            str | None, parameter("window", "The time of the likes; `day` without it.", "day", WINDOWS)
        ] = None,
        date: Annotated[
            str | None,
            parameter("date", "The day, or a day of the month (UTC); today without it.", "2026-05-14"),
        ] = None,
        limit: Annotated[
            str | None, parameter("limit", f"How many posts, up to {MAX_POSTS}.", str(_DEFAULT_POSTS))
        ] = None,
    ) -> Response[list[TopPost]]:
        asked = parse_top_request(request.query_params.multi_items(), datetime.now(UTC).date())
        return await answering.answer_about("top_posts", (SOURCE,), lambda: top_posts(database, asked))

    return Router("/", route_handlers=[top])
