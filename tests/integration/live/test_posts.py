"""Likes, comments, shares, top posts and trends say what Postgres says, whatever happens to Redis or to a keeper."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from redis.asyncio import Redis

from collectors.registry import SOURCES
from pipeline.errors import LiveUnavailable
from pipeline.events.record import EventRecord
from pipeline.live import LiveConnection, LiveCounters, LiveSettings, compare, rebuild
from pipeline.live.building import Build
from pipeline.live.posts import PostCounters
from pipeline.store import Database
from pipeline.store.live_updates import LiveUpdates
from pipeline.store.social import SOCIAL
from tests.integration.live.conftest import Keeper, StartKeeper
from tests.integration.live.social_truth import counted, truth
from tests.integration.store.test_social import action
from tests.processes import eventually

SOURCE = SOURCES["social"]


@pytest.fixture
async def connection(live_settings: LiveSettings) -> AsyncIterator[LiveConnection]:
    connection = LiveConnection(live_settings, "test")
    yield connection
    await connection.close()


@pytest.fixture
def social_counters(connection: LiveConnection) -> LiveCounters:
    return LiveCounters(connection, "social", "social")


@pytest.fixture
def posts(connection: LiveConnection) -> PostCounters:
    return PostCounters(connection)


@pytest.fixture
async def social_updates(open_database: Callable[[], Awaitable[Database]]) -> LiveUpdates:
    return LiveUpdates(await open_database(), "social", SOCIAL)


def some_actions(count: int, seed: int, posts: int = 30) -> list[EventRecord]:
    """Of the last days, one too long ago for a counter of its day and one for that of its month among them."""
    rng, now = random.Random(seed), datetime.now(UTC)
    kinds = ("post", "like", "like", "like", "like", "unlike", "comment", "share", "follow")
    made: list[EventRecord] = []
    for _ in range(count):
        kind = rng.choice(kinds)
        at = now - timedelta(days=rng.choice((0, 0, 0, 1, 7, 60, 900)), seconds=rng.randrange(3600))
        about = (
            {"targetUserId": f"u-{rng.randrange(20)}"}
            if kind == "follow"
            else {"postId": f"p:{min(rng.randrange(posts), rng.randrange(posts))}"}
        )
        text = {"text": "so true"} if kind == "comment" else {}
        made.append(action(kind, f"u-{rng.randrange(20)}", at, **about, **text))
    return made


async def agree(redis: Redis, look: asyncpg.Connection, within_seconds: float = 10.0) -> None:
    async def same() -> None:
        found, wanted = await counted(redis), await truth(look)
        if found != wanted:  # of thousands of keys the first few say enough
            differing = [key for key in sorted(found.keys() | wanted) if found.get(key) != wanted.get(key)]
            raise AssertionError([(key, found.get(key), wanted.get(key)) for key in differing[:5]])

    await eventually(same, within_seconds=within_seconds)


async def test_what_people_do_is_counted_for_the_post_the_day_and_the_month(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, posts: PostCounters
) -> None:
    keeper = await start_keeper(source=SOURCE)
    now = datetime.now(UTC)
    await keeper.store.write(
        [
            action("post", "u-1", now, postId="p-1"),
            *(action("like", f"u-{n}", now, postId="p-1") for n in range(5)),
            *(action("like", f"u-{n}", now - timedelta(days=70), postId="p-2") for n in range(7)),
            action("comment", "u-1", now, postId="p-1", text="first!"),
            action("share", "u-2", now, postId="p-3"),
        ]
    )
    await keeper.store.write([action("unlike", "u-4", now + timedelta(seconds=1), postId="p-1")])
    await agree(redis, look)

    assert await redis.get("post:p-1:likes") == "4"
    assert await redis.get("post:p-1:comments") == "1"
    assert await redis.get("post:p-1:shares") is None
    assert await redis.ttl("post:p-1:likes") == -1
    assert 35 * 86400 < await redis.ttl(f"top_posts:{now:%Y%m%d}") <= 36 * 86400
    assert await posts.read(["p-1", "p-3", "p-none"]) == {
        "p-1": (4, 1, 0),
        "p-3": (0, 0, 1),
        "p-none": (0, 0, 0),
    }
    assert await posts.top("all", 10) == [("p-2", 7), ("p-1", 4)]
    assert await posts.top("all", 1) == [("p-2", 7)]
    assert await posts.top("day", 10) == await posts.top("month", 10) == [("p-1", 4)]
    assert await posts.top("month", 10, now - timedelta(days=70)) == [("p-2", 7)]
    assert await posts.trending(10) == [("p-1", 6.0), ("p-3", 3.0)]
    assert await posts.trending(10, now + timedelta(days=1)) == [("p-1", 3.0), ("p-3", 1.5)]


async def test_a_post_that_nobody_likes_any_more_leaves_nothing(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection
) -> None:
    keeper = await start_keeper(source=SOURCE)
    now = datetime.now(UTC)
    await keeper.store.write([action("like", "u-1", now, postId="p-1")])
    await agree(redis, look)
    assert await redis.exists("post:p-1:likes", "top_posts", "trending_posts") == 3

    await keeper.store.write([action("unlike", "u-1", now + timedelta(seconds=1), postId="p-1")])
    await agree(redis, look)
    assert await redis.exists("post:p-1:likes", "top_posts", "trending_posts") == 0


@pytest.mark.parametrize(
    "spoil",
    [
        "nothing",
        "flushall",
        "landmark",
        *(
            pytest.param(how, marks=pytest.mark.exhaustive)
            for how in ("string", "no number", "top", "day", "trend")
        ),
    ],
)
async def test_several_keepers_count_the_same_whatever_comes_again_and_whatever_is_spoiled(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, posts: PostCounters, spoil: str
) -> None:
    keepers = [await start_keeper(source=SOURCE) for _ in range(3)]
    shared = some_actions(300, seed=1)

    async def write(keeper: Keeper, seed: int) -> None:
        for turn in range(20):
            at = (turn * 37 + seed * 101) % 250
            await keeper.store.write([*some_actions(10, seed * 100 + turn), *shared[at : at + 30]])
            if seed == 0 and turn == 10:
                await spoil_it(redis, spoil)

    await asyncio.gather(*(write(keeper, seed) for seed, keeper in enumerate(keepers)))
    # What nobody touches any more is not noticed until it is compared.
    now = datetime.now(UTC)
    last = [action("like", f"u-{n}", now, postId="p:0") for n in range(100, 103)]
    await keepers[1].store.write([*last, action("comment", "u-1", now, postId="p:0", text="the last")])
    await agree(redis, look)
    if spoil == "nothing":
        rebuilds = [keeper.rebuilds() for keeper in keepers]
        assert sum(each.get("unbuilt", 0) for each in rebuilds) == sum(
            sum(each.values()) for each in rebuilds
        )
    assert await posts.trending(5)


async def spoil_it(redis: Redis, how: str) -> None:
    today = f"{datetime.now(UTC):%Y%m%d}"
    match how:
        case "flushall":
            await redis.flushall()
        case "string":
            await redis.delete("post:p:0:likes")
            await redis.rpush("post:p:0:likes", "of somebody else")
        case "no number":
            await redis.set("post:p:0:likes", "many")
        case "top" | "day" | "trend":
            key = {"top": "top_posts", "day": f"top_posts:{today}", "trend": "trending_posts"}[how]
            await redis.set(key, "of somebody else")
        case "landmark":
            await redis.hdel("live:social", "landmark")


async def test_a_rebuild_sweeps_what_should_not_be_there_and_leaves_what_is_not_ours(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    social_counters: LiveCounters,
    social_updates: LiveUpdates,
) -> None:
    keeper = await start_keeper(source=SOURCE)
    await keeper.store.write(some_actions(200, seed=2))
    await agree(redis, look)
    others = ["post:p:0:views", "post:p:0", "top_posts:weekly", "trending_posts:2", "posts:p:0:likes"]
    for key in others:
        await redis.set(key, 7)
    await redis.set("post:ghost:likes", 7)
    await redis.zadd("top_posts:20010101", {"ghost": 7})
    await redis.set("post:p:0:likes", 10**6)

    checked = await compare(social_counters, social_updates, 1.0)
    assert checked is not None
    assert {(each.key, each.field) for each in checked.differences} == {
        ("post:*:likes", "ghost"),
        ("post:*:likes", "p:0"),
        ("top_posts:20010101", "ghost"),
    }
    made = await rebuild(social_counters, social_updates, 1.0)

    assert made is not None
    assert await redis.exists("post:ghost:likes", "top_posts:20010101") == 0
    for key in others:
        assert await redis.getdel(key) == "7"
    await agree(redis, look)
    ours = [key async for key in redis.scan_iter() if not key.startswith("live:")]
    assert made.keys == len(ours)
    checked = await compare(social_counters, social_updates, 1.0)
    assert checked is not None
    assert (checked.condition, checked.differences) == ("good", [])


async def test_updates_that_wait_are_taken_off_before_the_counters_are_compared(
    start_keeper: StartKeeper, social_counters: LiveCounters, social_updates: LiveUpdates
) -> None:
    writer = await start_keeper(source=SOURCE, running=False)
    await writer.store.write(some_actions(100, seed=3))
    assert await rebuild(social_counters, social_updates, 1.0) is not None
    for seed in range(3):
        await writer.store.write(some_actions(100, seed))

    checked = await compare(social_counters, social_updates, 1.0)

    assert checked is not None
    assert (checked.condition, checked.waiting, checked.differences) == ("good", 3, [])


@pytest.mark.exhaustive
async def test_rebuilds_under_load_lose_nothing_and_double_nothing(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    social_counters: LiveCounters,
    social_updates: LiveUpdates,
) -> None:
    keepers = [await start_keeper(source=SOURCE) for _ in range(2)]
    done = asyncio.Event()

    async def write(keeper: Keeper, seed: int) -> None:
        while not done.is_set():
            seed += 2
            await keeper.store.write(some_actions(20, seed))

    writing = [asyncio.create_task(write(keeper, seed)) for seed, keeper in enumerate(keepers)]
    rebuilt = 0
    for _ in range(10):
        rebuilt += await rebuild(social_counters, social_updates, 1.0) is not None
        await asyncio.sleep(0.02)
        checked = await compare(social_counters, social_updates, 1.0)
        assert checked is None or (checked.condition, checked.differences) == ("good", [])
        await asyncio.sleep(0.02)
    done.set()
    await asyncio.gather(*writing)
    await agree(redis, look)
    assert rebuilt >= 5


@pytest.mark.parametrize("interrupted", ["begin", "add", "finish"])
async def test_a_build_that_is_interrupted_is_done_again(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    social_counters: LiveCounters,
    social_updates: LiveUpdates,
    monkeypatch: pytest.MonkeyPatch,
    interrupted: str,
) -> None:
    keeper = await start_keeper(source=SOURCE)
    await keeper.store.write(some_actions(200, seed=4))
    await agree(redis, look)
    original = getattr(Build, interrupted)
    before = keeper.rebuilds().get("unbuilt", 0)

    async def dies(build: Build, *arguments: object) -> None:
        monkeypatch.undo()  # only this one
        if interrupted == "add":
            await original(build, *arguments)
        raise LiveUnavailable("as of a process that was killed")

    monkeypatch.setattr(Build, interrupted, dies)
    with pytest.raises(LiveUnavailable, match="killed"):
        await rebuild(social_counters, social_updates, 1.0)
    await keeper.store.write(some_actions(50, seed=5))
    await agree(redis, look)

    async def built_anew() -> None:
        assert keeper.rebuilds().get("unbuilt", 0) == before + (interrupted != "begin")

    await eventually(built_anew)
    assert [key async for key in redis.scan_iter(match="post:*") if await redis.ttl(key) != -1] == []


async def test_a_build_that_lost_its_hold_changes_nothing_any_more(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    social_counters: LiveCounters,
    social_updates: LiveUpdates,
) -> None:
    keeper = await start_keeper(source=SOURCE)
    await keeper.store.write(some_actions(100, seed=6))
    await agree(redis, look)
    async with social_counters.hold(30.0) as hold, social_updates.snapshot() as snapshot:
        assert hold
        build = social_counters.build(hold)
        await build.begin()
        await redis.delete("live:social:hold")  # as of a process that was stopped for too long
        await keeper.store.write(some_actions(100, seed=7))
        await agree(redis, look)
        for changes in [changes async for changes in snapshot.totals()]:
            if changes.posts:
                with pytest.raises(LiveUnavailable):
                    await build.add(changes)
        with pytest.raises(LiveUnavailable):
            await build.finish(str(snapshot.epoch), [])
    assert await counted(redis) == await truth(look)


async def test_as_many_posts_as_take_several_pieces_are_built_and_compared_exactly(
    redis: Redis, look: asyncpg.Connection, social_counters: LiveCounters, social_updates: LiveUpdates
) -> None:
    await look.execute(
        """INSERT INTO social_post_days (post_id, day, shard, likes, comments, shares)
           SELECT 'p-' || number, current_date - number % 50, shard, number % 4, number % 3, shard
           FROM generate_series(1, 12000) AS number, generate_series(0, 1) AS shard"""
    )
    assert await rebuild(social_counters, social_updates, 5.0) is not None

    checked = await compare(social_counters, social_updates, 5.0)
    assert checked is not None
    assert checked.differences == []
    assert await redis.zcard("top_posts") == 9000
    assert await redis.get("post:p-7:likes") == "6"
    sums = await look.fetchrow("SELECT sum(likes), sum(comments), sum(shares) FROM social_post_days")
    values = await social_counters.read()
    assert [sum(values[f"post:*:{kind}"].values()) for kind in ("likes", "comments", "shares")] == list(
        sums or ()
    )


async def test_a_trend_that_was_counted_is_the_one_that_is_built(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    posts: PostCounters,
    social_counters: LiveCounters,
    social_updates: LiveUpdates,
) -> None:
    keeper = await start_keeper(source=SOURCE)
    for seed in range(30):
        await keeper.store.write(some_actions(30, seed))
    await agree(redis, look)
    counted_points = dict(await posts.trending(1000))

    assert await rebuild(social_counters, social_updates, 1.0) is not None

    assert dict(await posts.trending(1000)) == pytest.approx(counted_points)
    assert len(counted_points) > 10


async def test_a_day_too_long_after_the_landmark_gets_a_new_one(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, posts: PostCounters
) -> None:
    keeper = await start_keeper(source=SOURCE)
    now = datetime.now(UTC)
    await keeper.store.write([action("like", "u-1", now, postId="p-1")])
    await agree(redis, look)
    today = int(now.timestamp()) // 86400
    assert await redis.hget("live:social", "landmark") == str(today)
    await redis.hset("live:social", "landmark", today - 900)
    await keeper.store.write([action("like", "u-2", now, postId="p-1")])
    await agree(redis, look)
    assert float(await redis.zscore("trending_posts", "p-1") or 0) == pytest.approx(2.0**900)

    await redis.hset("live:social", "landmark", today - 901)
    await keeper.store.write([action("like", "u-3", now, postId="p-1")])
    await agree(redis, look)

    await keeper.has_rebuilt(unbuilt=1, damaged=1)
    assert await redis.hget("live:social", "landmark") == str(today)
    assert await posts.trending(1) == [("p-1", 3.0)]


async def test_the_trend_keeps_its_highest_members_only(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    social_counters: LiveCounters,
    social_updates: LiveUpdates,
) -> None:
    for module in ("counters", "building"):
        monkeypatch.setattr(f"pipeline.live.{module}.KEPT_TRENDING", 5)
    keeper = await start_keeper(source=SOURCE)
    now = datetime.now(UTC)
    for post in range(30):
        likes = [action("like", f"u-{n}", now, postId=f"p-{post}") for n in range(post + 1)]
        await keeper.store.write(likes)
    await agree(redis, look)
    assert 5 <= await redis.zcard("trending_posts") <= 10
    best = [f"p-{post}" for post in range(25, 30)]
    assert (await redis.zrange("trending_posts", 0, -1))[-5:] == best

    assert await rebuild(social_counters, social_updates, 1.0) is not None
    assert await redis.zrange("trending_posts", 0, -1) == best


@pytest.mark.exhaustive
async def test_large_updates_are_told_a_few_at_a_time(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, social_updates: LiveUpdates
) -> None:
    writer = await start_keeper(source=SOURCE, running=False)
    for seed in range(12):
        await writer.store.write(some_actions(4000, seed, posts=1_000_000))
    pending = await social_updates.settle([], 500)
    assert 1 <= len(pending.updates) < 12
    assert pending.more

    writer.start()
    await agree(redis, look, within_seconds=60)


async def test_a_redis_that_is_away_is_said_to_be(posts: PostCounters) -> None:
    away = LiveConnection(LiveSettings("redis://127.0.0.1:1/0"), "test")
    for ask in (lambda counters: counters.read(["p-1"]), lambda c: c.top("all", 1), lambda c: c.trending(1)):
        with pytest.raises(LiveUnavailable):
            await ask(PostCounters(away))
    await away.close()
    assert await posts.read([]) == {}


async def test_what_somebody_else_keeps_under_our_names_is_no_figure(
    redis: Redis, posts: PostCounters
) -> None:
    await redis.set("post:p-1:likes", "many")
    await redis.set("top_posts", "of somebody else")
    with pytest.raises(LiveUnavailable):
        await posts.read(["p-1"])
    with pytest.raises(LiveUnavailable):
        await posts.top("all", 1)
