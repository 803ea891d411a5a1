"""`python -m bench.posts`: how fast the reports of posts are with a hundred thousand posts and thirty days of likes.

It starts a Postgres and a reporter of its own, makes up the sums of the posts as two collectors would leave them, with
a few posts that have most of the likes, and asks over HTTP. `summing all` is the same list by a plain sum over all
posts, in Postgres alone; both must say the same.
"""

import argparse
import asyncio
import statistics
import time
from typing import Any

import httpx

from bench.postgres import Postgres, connected
from bench.reports import reporter
from bench.system import temporary_folder
from ops.local import database, servers

REQUESTS = 50
LAST_DAY = "2026-11-20"

# Two shards of each day and of each total. `magnitude` follows by itself.
_FILL = """
INSERT INTO social_post_days (post_id, day, shard, likes, comments, shares)
SELECT 'p-' || md5(rank::text), '{last_day}'::date - ago, shard * 37, likes, likes / 5, likes / 10
FROM (SELECT rank, ago, shard, floor(60000 / power(rank, 0.8) * random() + random() * 1.6)::bigint AS likes
      FROM generate_series(1, {posts}) AS rank CROSS JOIN generate_series(0, {days} - 1) AS ago
      CROSS JOIN generate_series(1, 2) AS shard) AS drawn
WHERE likes > 0
"""
_TOTALS = """
INSERT INTO social_post_totals (post_id, month, shard, likes, comments, shares)
SELECT post_id, period, shard % 16, sum(likes), sum(comments), sum(shares)
FROM social_post_days
CROSS JOIN LATERAL (VALUES ('-infinity'::date), (date_trunc('month', day)::date)) AS periods(period)
GROUP BY 1, 2, 3
"""
_POSTS = """
INSERT INTO social_posts (post_id, user_id, text, created_at, event_id)
SELECT 'p-' || md5(rank::text), 'u-' || rank % 5000, repeat('a few words ', 10), '{last_day}', 'e-' || rank
FROM generate_series(1, {posts}) AS rank
"""
_PLAIN = """
SELECT post_id, sum(likes)::bigint AS likes FROM social_post_days WHERE {within}
GROUP BY post_id ORDER BY likes DESC, post_id LIMIT 100
"""
_WITHIN = {
    "day": f"day = '{LAST_DAY}'",
    "month": f"date_trunc('month', day) = date_trunc('month', '{LAST_DAY}'::date)",
    "all": "true",
}


async def run(posts: int, days: int) -> None:
    """Builds, measures, prints."""
    with temporary_folder() as folder:
        settings = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "8GB"}
        with servers.running(servers.postgres(folder, settings=settings)) as postgres:
            url = database.with_name(postgres.url, "bench")
            database.ensure(url)
            database.migrate(url)
            async with connected(url) as connection:
                await connection.execute(_FILL.format(last_day=LAST_DAY, posts=posts, days=days))
                await connection.execute(_TOTALS)
                await connection.execute(_POSTS.format(last_day=LAST_DAY, posts=posts))
                for table in ("days", "totals"):
                    await connection.execute(f"VACUUM ANALYZE social_post_{table}")
                await connection.execute("VACUUM ANALYZE social_posts")
                rows = await connection.value("SELECT count(*) FROM social_post_days")
                print(f"{posts:,} posts, {days} days, {rows:,} rows of days\n")
                with reporter(url) as client:
                    await measure(client, connection)


async def measure(client: httpx.Client, postgres: Postgres) -> None:
    """Prints a line for each list, and one for a post."""
    print(f"{'report':22} {'limit':>5} {'median':>8} {'p95':>8}   {'summing all':>11}   ms")
    best = ""
    for window, within in _WITHIN.items():
        started = time.perf_counter()
        truth = await postgres.rows(_PLAIN.format(within=within))
        summing = (time.perf_counter() - started) * 1000
        for limit in (20, 100):
            query = {"window": window, "limit": str(limit)} | ({} if window == "all" else {"date": LAST_DAY})
            found, times = ask(client, "/posts/top", query)
            assert [(row["postId"], row["likes"]) for row in found] == truth[:limit], window
            print(f"{f'/posts/top {window}':22} {limit:5} {shown(times)}   {summing:11,.0f}")
        best = str(truth[0][0])
    _, times = ask(client, f"/posts/{best}", {"days": "30", "date": LAST_DAY})
    print(f"{'/posts/{id} 30 days':22} {'-':>5} {shown(times)}")


def ask(client: httpx.Client, path: str, query: dict[str, str]) -> tuple[Any, list[float]]:
    """The answer, and the milliseconds of each request."""
    times: list[float] = []
    answer: Any = None
    for _ in range(REQUESTS):
        started = time.perf_counter()
        response = client.get(path, params=query)
        times.append((time.perf_counter() - started) * 1000)
        assert response.status_code == 200, response.text
        answer = response.json()
    return answer, times


def shown(times: list[float]) -> str:
    """Median and 95th percentile."""
    return f"{statistics.median(times):8.1f} {statistics.quantiles(times, n=20)[-1]:8.1f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    options = parser.parse_args()
    asyncio.run(run(options.posts, options.days))
