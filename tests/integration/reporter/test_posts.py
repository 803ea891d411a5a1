"""Reports of posts, against what is true of the same actions."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from pipeline.store import Database
from pipeline.store.progress import report_progress
from reporter.posts_top import TOP_OF_DAYS, TopRequest, top_posts
from tests.integration.reporter.social_actions import Sums, action, added, make_actions, store, sums_by_day

BEGIN = datetime(2026, 4, 20, 3, tzinfo=UTC)
SPAN = timedelta(days=25)
POSTS = 60

Truth = Mapping[str, Mapping[date, Sums]]


@pytest.fixture
async def truth(database: Database) -> Truth:
    actions = make_actions(3_000, seed=5, begin=BEGIN, span=SPAN, posts=POSTS)
    await store(database, actions)
    return sums_by_day(actions)


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A plain connection, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def best(truth: Truth, counts: Callable[[date], bool], limit: int) -> list[tuple[str, Sums]]:
    sums = {
        post: added(of_day for day, of_day in days.items() if counts(day)) for post, days in truth.items()
    }
    liked = [(post, three) for post, three in sums.items() if three[0] > 0]
    return sorted(liked, key=lambda entry: (-entry[1][0], entry[0]))[:limit]


def shown(rows: list[dict[str, Any]]) -> list[tuple[str, Sums]]:
    return [(row["postId"], (row["likes"], row["comments"], row["shares"])) for row in rows]


@pytest.mark.parametrize("limit", [1, 3, 20, 100])
async def test_the_top_of_each_window_is_the_truth(
    client: httpx.AsyncClient, truth: Truth, limit: int
) -> None:
    async def top(**query: str) -> list[tuple[str, Sums]]:
        answer = await client.get("/posts/top", params={"limit": str(limit), **query})
        assert answer.status_code == 200, answer.text
        return shown(answer.json())

    for number in range(SPAN.days + 1):
        day = BEGIN.date() + timedelta(days=number)
        assert await top(window="day", date=day.isoformat()) == best(
            truth, lambda d, day=day: d == day, limit
        )
    april = await top(window="month", date="2026-04-30")
    assert april == best(truth, lambda day: day.month == 4, limit)
    assert april == await top(window="month", date="2026-04-01")
    assert await top(window="month", date="2026-05-07") == best(truth, lambda day: day.month == 5, limit)
    assert await top(window="all") == best(truth, lambda _: True, limit)
    assert await top(window="month", date="2026-03-07") == []


async def test_the_top_of_many_posts_is_found_without_reading_them_all(
    database: Database, look: asyncpg.Connection
) -> None:
    await look.execute(
        "INSERT INTO social_post_days (post_id, day, shard, likes, comments, shares) "
        "SELECT 'p-' || rank, '2026-05-14', shard, (30000 / power(rank, 0.8))::bigint - shard, 0, 0 "
        "FROM generate_series(1, 30000) AS rank CROSS JOIN generate_series(0, 2) AS shard"
    )
    await look.execute("ANALYZE social_post_days")
    blocks = await look.fetchval("SELECT relpages / 2 FROM pg_class WHERE relname = 'social_post_days'")

    asked = TopRequest("day", date(2026, 5, 14), 20)
    found = await top_posts(database, asked)
    assert [post.post_id for post in found] == [f"p-{rank}" for rank in range(1, 21)]
    explained = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + TOP_OF_DAYS.replace("$1::date", "$1::text::date")
    [answer] = json.loads(await look.fetchval(explained, asked.day.isoformat(), asked.limit) or "[]")
    read = answer["Plan"]["Shared Hit Blocks"] + answer["Plan"]["Shared Read Blocks"]
    assert blocks is not None
    assert read < blocks


async def test_today_is_the_window_of_who_says_nothing_and_a_post_is_shown_with_what_is_known_of_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    now = datetime.now(UTC)
    await store(
        database,
        [
            action("post", "u-1", now, "1", postId="p-mine", text="hello <b>"),
            action("like", "u-2", now, "2", postId="p-mine"),
            action("like", "u-2", now, "3", postId="p-nobody's"),
            action("like", "u-3", now, "4", postId="p-nobody's"),
            action("like", "u-3", now - timedelta(days=40), "5", postId="p-old"),
            action("comment", "u-3", now, "6", postId="p-unliked", text="meh"),
        ],
    )
    assert (await client.get("/posts/top")).json() == [
        {"postId": "p-nobody's", "userId": None, "text": None, "likes": 2, "comments": 0, "shares": 0},
        {"postId": "p-mine", "userId": "u-1", "text": "hello <b>", "likes": 1, "comments": 0, "shares": 0},
    ]


async def test_a_post_with_its_likes_day_by_day(client: httpx.AsyncClient, truth: Truth) -> None:
    last = BEGIN.date() + SPAN
    for number in range(POSTS):
        post = f"p-{number}"
        by_day = truth.get(post, {})
        query = {"days": "12", "date": last.isoformat()}
        answer = await client.get(f"/posts/{post}", params=query)
        if not by_day and number % 2:
            assert answer.status_code == 404
            continue
        told = answer.json()

        assert (told["likes"], told["comments"], told["shares"]) == added(by_day.values())
        made = (
            (f"author-{number}", f"text {number}", "2026-04-20T03:00:00Z") if number % 2 == 0 else (None,) * 3
        )
        assert (told["userId"], told["text"], told["createdAt"]) == made

        def likes(day: date, by_day: Mapping[date, Sums] = by_day) -> int:
            return by_day.get(day, (0, 0, 0))[0]

        days = [last - timedelta(days=ago) for ago in range(11, -1, -1)]
        assert [(row["day"], row["likes"], row["change"]) for row in told["dailyLikes"]] == [
            (day.isoformat(), likes(day), likes(day) - likes(day - timedelta(days=1))) for day in days
        ]
        for row, day in zip(told["dailyLikes"], days, strict=True):
            week = [likes(day - timedelta(days=ago)) for ago in range(7)]
            assert row["averageOfWeek"] == pytest.approx(sum(week) / 7, abs=0.005001)


async def test_ids_of_all_kinds_are_found(client: httpx.AsyncClient, database: Database) -> None:
    now = datetime.now(UTC)
    ids = ["a/b", "a/", "//a", "ünï ✓", "50%", "?x=1&y#z", "..", "'; DROP TABLE social_posts; --"]
    await store(database, [action("like", "u-1", now, f"{at}", postId=post) for at, post in enumerate(ids)])
    for post in ids:
        quoted = "".join(f"%{byte:02X}" for byte in post.encode())
        answer = await client.get(f"/posts/{quoted}")
        assert (answer.status_code, answer.json().get("postId")) == (200, post)
        assert answer.json()["dailyLikes"][-1]["likes"] == 1


@pytest.mark.parametrize("post", ["unheard-of", "p%00", "x" * 129])
async def test_an_unknown_post_is_a_problem(client: httpx.AsyncClient, post: str) -> None:
    answer = await client.get(f"/posts/{post}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:sluice:problem:unknown-post"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/posts/top?window=week", "window"),
        ("/posts/top?limit=0", "limit"),
        ("/posts/top?limit=101", "limit"),
        ("/posts/top?limit=%D9%A3", "limit"),  # an Arabic three
        ("/posts/top?date=yesterday", "date"),
        ("/posts/top?window=all&date=2026-05-01", "date"),
        ("/posts/top?form=2026-05-01", "form"),
        ("/posts/p-1?days=367", "days"),
        ("/posts/p-1?date=0001-02-03", "date"),
        ("/posts/p-1?window=day", "window"),
    ],
)
async def test_what_is_wrong_is_told_by_its_name(
    client: httpx.AsyncClient, path: str, parameter: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


async def test_how_fresh_it_is_follows_from_the_social_collector_alone(
    client: httpx.AsyncClient, database: Database, truth: Truth
) -> None:
    through = datetime.now(UTC) - timedelta(seconds=90)
    await report_progress(database, "social", through, datetime.now(UTC))
    for path in ("/posts/top", "/posts/p-0"):
        answer = await client.get(path)
        assert 90 <= float(answer.headers["x-data-lag-seconds"]) < 120
        assert answer.headers["x-data-complete-through"] == through.isoformat().replace("+00:00", "Z")
    metrics = (await client.get("/metrics")).text
    assert 'report_duration_seconds_count{report_type="top_posts"} 1.0' in metrics
    assert 'report_duration_seconds_count{report_type="post"} 1.0' in metrics
