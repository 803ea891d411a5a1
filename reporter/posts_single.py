"""`GET /posts/{id}`: one post, its counters, and its likes day by day."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import msgspec
from litestar import Request, Response, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter

from pipeline.chassis.problems import Problem, ProblemDetail
from pipeline.store import Database
from reporter.answering import INVALID_FILTER, Answering, parameter
from reporter.freshness import HEADER_DOCUMENTATION
from reporter.posts_top import SOURCE
from reporter.query import Query
from reporter.ranges import from_micros

FILTERS = ("days", "date")
MAX_DAYS = 366
_DEFAULT_DAYS = 30
_MAX_ID_LENGTH = 128

# A post of which nobody has said that it was made is known by what was said about it.
_POST = """
SELECT made.user_id, made.text, (extract(epoch FROM made.created_at) * 1000000)::bigint::text AS created_at,
       coalesce(likes, 0)::text AS likes, coalesce(comments, 0)::text AS comments, coalesce(shares, 0)::text AS shares
FROM (SELECT sum(likes) AS likes, sum(comments) AS comments, sum(shares) AS shares
      FROM social_post_totals WHERE post_id = $1 AND month = '-infinity') AS sums
LEFT JOIN social_posts AS made ON made.post_id = $1
WHERE made.post_id IS NOT NULL OR likes IS NOT NULL
"""

# The series has no gaps, and begins six days before the first that is shown: so each has its week and its yesterday.
_DAYS = """
SELECT day::text, likes::text, change::text, average::text
FROM (
    SELECT day, likes, likes - lag(likes) OVER by_day AS change,
           round(avg(likes) OVER (by_day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), 2) AS average
    FROM (
        SELECT series.day, coalesce(sum(likes), 0) AS likes
        FROM (SELECT $2::date - ago AS day FROM generate_series(0, $3::integer + 5) AS ago) AS series
        LEFT JOIN social_post_days AS kept ON kept.post_id = $1 AND kept.day = series.day
        GROUP BY series.day
    ) AS daily
    WINDOW by_day AS (ORDER BY day)
) AS compared
WHERE day > $2::date - $3::integer
ORDER BY day
"""


class DailyLikes(msgspec.Struct, frozen=True, rename="camel"):
    """Likes of one day of UTC. `change` is against the day before; `averageOfWeek` is of this day and the six before
    it, rounded to two digits. Days on which nothing happened, or the post was not there yet, have 0 likes."""

    day: date
    likes: int
    change: int
    average_of_week: float


class Post(msgspec.Struct, frozen=True, rename="camel"):
    """A post. `likes` are people who like it now. `userId` and `createdAt` are null as long as only reactions to it
    have come in, and the post itself has not; `text` is null where it has none."""

    post_id: str
    user_id: str | None
    text: str | None
    created_at: datetime | None
    likes: int
    comments: int
    shares: int
    daily_likes: Sequence[DailyLikes]


class PostRequest(msgspec.Struct, frozen=True):
    """So many days, of which `last_day` is the last."""

    days: int
    last_day: date


def parse_post_request(pairs: Iterable[tuple[str, str]], today: date) -> PostRequest:
    """Raises Problem (400) with all that is wrong."""
    query = Query(pairs, FILTERS)
    days = query.number("days", 1, MAX_DAYS, _DEFAULT_DAYS)
    last_day = query.day("date")
    if last_day and last_day.toordinal() <= MAX_DAYS + 6:
        query.refuse("date", "date: too long ago")
    query.check()
    return PostRequest(days, last_day or today)


async def read_post(database: Database, post_id: str, asked: PostRequest) -> Post:
    """The report. Raises Problem (404) when nothing is known of the post."""
    rows = await database.query(_POST, post_id) if _can_be_known(post_id) else []
    if not rows:
        raise Problem(404, "unknown-post", f"Nothing is known of a post {post_id[:_MAX_ID_LENGTH]!r}.")
    [row] = rows
    days = await database.query(_DAYS, post_id, asked.last_day.isoformat(), asked.days)
    created_at = row["created_at"]
    return Post(
        post_id,
        row["user_id"],
        row["text"],
        from_micros(int(created_at)) if created_at else None,
        int(row["likes"]),
        int(row["comments"]),
        int(row["shares"]),
        [_daily(day) for day in days],
    )


def _can_be_known(post_id: str) -> bool:
    return len(post_id) <= _MAX_ID_LENGTH and "\0" not in post_id


def _daily(row: Mapping[str, Any]) -> DailyLikes:
    return DailyLikes(
        date.fromisoformat(row["day"]), int(row["likes"]), int(row["change"]), float(row["average"])
    )


def post_route(database: Database, answering: Answering) -> Router:
    """The report over HTTP."""

    @get(
        "/{post_id:path}",
        summary="One post, its counters, and its likes day by day",
        description="Likes of each of the last days (UTC) without gaps, compared with the day before and with the "
        "average of the week that ends with it. Exact.",
        response_headers=HEADER_DOCUMENTATION,
        responses=INVALID_FILTER
        | {404: ResponseSpec(ProblemDetail, description="Nothing is known of it.", generate_examples=False)},
    )
    async def post(
        request: Request[Any, Any, Any],
        post_id: Annotated[str, PathParameter(description="Its id; one with slashes needs no escaping.")],
        days: Annotated[
            str | None, parameter("days", f"How many days, up to {MAX_DAYS}.", str(_DEFAULT_DAYS))
        ] = None,
        date: Annotated[
            str | None, parameter("date", "The last day (UTC); today without it.", "2026-05-14")
        ] = None,
    ) -> Response[Post]:
        asked = parse_post_request(request.query_params.multi_items(), datetime.now(UTC).date())
        # As it was sent: the router takes slashes at the end of a path away, and of several it makes one.
        whole = unquote_to_bytes(request.scope["raw_path"]).removeprefix(b"/posts/").decode(errors="replace")
        return await answering.answer_about("post", (SOURCE,), lambda: read_post(database, whole, asked))

    return Router("/", route_handlers=[post])
