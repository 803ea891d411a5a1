"""The data of the page, from a real Redis."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from redis.asyncio import Redis

from gateway.feed.route import feed_router
from ops.local.servers import RunningServer
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.live import LiveSettings


@pytest.fixture
async def redis(redis_server: RunningServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_server.url, decode_responses=True) as redis:
        await redis.flushall()
        yield redis


@pytest.fixture
async def client(redis_server: RunningServer) -> AsyncIterator[httpx.AsyncClient]:
    live = LiveSettings(redis_url=redis_server.url, redis_timeout_seconds=0.3)
    app = create_service(
        ServiceDescription("feed", "feed"), ServiceMetrics("gateway"), [feed_router(live)], {}
    )
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


async def test_counters_and_lists_are_those_of_redis(client: httpx.AsyncClient, redis: Redis) -> None:
    await redis.mset({"post:a/b ✓:likes": 3, "post:a/b ✓:shares": 1, "post:p-2:comments": 5})
    today = datetime.now(UTC)
    await redis.zadd(f"top_posts:{today:%Y%m%d}", {"p-2": 4, "a/b ✓": 9})
    await redis.zadd(f"top_posts:{today:%Y%m}", {"p-2": 40})
    await redis.zadd("top_posts", {"p-3": 400})
    await redis.zadd("trending_posts", {"p-2": 2.5})
    await redis.hset("live:social", "landmark", str(int(today.timestamp()) // 86400))

    answer = await client.get("/feed/data/posts", params={"id": ["p-2", "a/b ✓", "p-0"]})
    assert answer.json() == [
        {"postId": "p-2", "likes": 0, "comments": 5, "shares": 0},
        {"postId": "a/b ✓", "likes": 3, "comments": 0, "shares": 1},
        {"postId": "p-0", "likes": 0, "comments": 0, "shares": 0},
    ]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"

    async def ranked(path: str) -> list[tuple[str, float]]:
        return [(row["postId"], row["score"]) for row in (await client.get(f"/feed/data/{path}")).json()]

    assert await ranked("top") == [("a/b ✓", 9), ("p-2", 4)]
    assert await ranked("top?limit=1") == [("a/b ✓", 9)]
    assert await ranked("top?window=month") == [("p-2", 40)]
    assert await ranked("top?window=all") == [("p-3", 400)]
    assert await ranked("trending") == [("p-2", 2.5)]


@pytest.mark.parametrize(
    "path",
    [
        "posts",
        "posts?id=",
        "posts?id=" + "x" * 129,
        "posts?" + "&".join(f"id={number}" for number in range(101)),
        "top?window=week",
        "top?limit=51",
        "trending?limit=0",
    ],
)
async def test_what_makes_no_sense_is_refused(client: httpx.AsyncClient, redis: Redis, path: str) -> None:
    answer = await client.get(f"/feed/data/{path}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_while_redis_is_away_it_is_503_and_goes_on_afterwards(
    client: httpx.AsyncClient, redis: Redis, redis_server: RunningServer
) -> None:
    redis_server.pause()
    try:
        for path in ("posts?id=p-1", "top", "trending"):
            answer = await client.get(f"/feed/data/{path}")
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["type"] == "urn:sluice:problem:unavailable"
    finally:
        redis_server.resume()
    assert (await client.get("/feed/data/posts?id=p-1")).status_code == 200
