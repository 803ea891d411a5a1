"""What is stored is counted, each event once, whatever happens to Redis and to whoever counts."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis

from pipeline.chassis.settings import ByteSize
from pipeline.errors import LiveUnavailable
from pipeline.events.changes import Pending
from pipeline.live import LiveConnection, LiveCounters, LiveSettings, rebuild
from pipeline.store import EventStore
from pipeline.store.live_updates import LiveUpdates, delete_rollups
from tests.integration.live.conftest import Keeper, StartKeeper, agree, some_records
from tests.integration.live.truth import SOURCE, counted, truth
from tests.integration.store.records import record
from tests.processes import eventually


async def test_what_is_stored_is_counted_by_type_and_by_day(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection
) -> None:
    keeper = await start_keeper()
    now = datetime.now(UTC)

    await keeper.store.write([record(event_type="ad.view", occurred_at=now) for _ in range(3)])
    await keeper.store.write([record(event_type="comment", occurred_at=now)])
    await agree(redis, look)

    day = f"events:facebook:{now:%Y%m%d}"
    assert await redis.hgetall("events:facebook") == {"ad.view": "3", "comment": "1"}
    assert await redis.hgetall(day) == {"ad.view": "3", "comment": "1"}
    assert await redis.ttl("events:facebook") == -1
    assert 35 * 86400 < await redis.ttl(day) <= 36 * 86400


async def test_after_a_pause_a_commit_is_counted_within_milliseconds(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, live_settings: LiveSettings
) -> None:
    unhurried = LiveSettings(redis_url=live_settings.redis_url, live_poll_seconds=60.0)
    keeper = await start_keeper(unhurried)
    await keeper.store.write(some_records(1))
    await agree(redis, look)

    took: list[float] = []
    for expected in range(2, 22):
        await asyncio.sleep(0.03)
        await keeper.store.write([record(occurred_at=datetime.now(UTC), event_type="page.like")])
        began = time.perf_counter()
        while sum(map(int, await redis.hvals("events:facebook"))) < expected:
            await asyncio.sleep(0)
        took.append(time.perf_counter() - began)
    print(f"commit to counter, median of {len(took)}: {sorted(took)[len(took) // 2] * 1000:.1f} ms")
    assert sorted(took)[len(took) // 2] < 0.1, "it was told of each, and did not have to poll"


async def test_a_keeper_with_nothing_to_do_asks_nobody(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    live_settings: LiveSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle, asked = LiveUpdates.settle, 0

    async def counted_settle(self: LiveUpdates, *arguments: Any) -> Pending:
        nonlocal asked
        asked += 1
        return await settle(self, *arguments)

    monkeypatch.setattr(LiveUpdates, "settle", counted_settle)
    keeper = await start_keeper(LiveSettings(redis_url=live_settings.redis_url, live_poll_seconds=60.0))
    await keeper.store.write(some_records(1))
    await agree(redis, look)
    await asyncio.sleep(0.5)
    assert asked <= 3


async def test_what_comes_again_is_not_counted_again(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection
) -> None:
    keeper = await start_keeper()
    records = some_records(200)
    for _ in range(3):
        await keeper.store.write(records)
        await keeper.store.write([*records[:50], *some_records(5)])
    await agree(redis, look)
    assert sum((await counted(redis))["events:facebook"].values()) == 215


async def test_an_answer_that_is_lost_counts_nothing_twice(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, lost = LiveCounters.apply, 0

    async def apply_and_lose(self: LiveCounters, *arguments: object) -> object:
        nonlocal lost
        answer = await apply(self, *arguments)  # type: ignore[arg-type]
        if lost < 3:
            lost += 1
            raise LiveUnavailable("the connection broke after the script was run")
        return answer

    monkeypatch.setattr(LiveCounters, "apply", apply_and_lose)
    keeper = await start_keeper()
    while lost < 3:
        await keeper.store.write(some_records(20))
        await asyncio.sleep(0.05)

    await agree(redis, look)
    await keeper.has_rebuilt(unbuilt=1)


async def test_several_collectors_count_together(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection
) -> None:
    keepers = [await start_keeper() for _ in range(3)]
    shared = some_records(300)

    async def write(keeper: Keeper, seed: int) -> None:
        for turn in range(25):
            at = (turn * 37 + seed * 101) % 250
            await keeper.store.write([*some_records(10, seed * 100 + turn), *shared[at : at + 20]])

    await asyncio.gather(*(write(keeper, seed) for seed, keeper in enumerate(keepers)))
    await agree(redis, look)

    applied = sum(keeper.metric("live_updates_applied_total") for keeper in keepers)
    assert applied <= 75, "each by one of them"
    assert await eventually_empty(look)
    await keepers[0].store.write(some_records(1))
    await agree(redis, look)
    assert await redis.scard("live:facebook:applied") == 1, "what is gone from Postgres is forgotten"


@pytest.mark.parametrize(
    "spoil", ["flushall", "flushall again and again", "state", "applied", "hold", "totals", "day"]
)
async def test_a_redis_that_is_wiped_or_spoiled_under_load_is_built_anew(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, spoil: str
) -> None:
    keepers = [await start_keeper() for _ in range(2)]
    spoiled_keys = {
        "state": "live:facebook",
        "applied": "live:facebook:applied",
        "hold": "live:facebook:hold",
        "totals": "events:facebook",
        "day": f"events:facebook:{datetime.now(UTC):%Y%m%d}",
    }
    for turn in range(30):
        await asyncio.gather(*(keeper.store.write(some_records(5, turn)) for keeper in keepers))
        if (spoil == "flushall" and turn == 10) or (spoil.endswith("again") and turn % 3 == 0):
            await redis.flushall()
        elif turn == 10 and (key := spoiled_keys.get(spoil)):
            await redis.set(key, "of somebody else")
    await agree(redis, look)
    assert await redis.type("events:facebook") == "hash"


async def test_events_of_any_year_leave_no_counter_of_their_day(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection
) -> None:
    keeper = await start_keeper()
    years = (1, 5, 999, 1969, 1970, 1971, 2001)
    await keeper.store.write([])
    for year in years:
        await keeper.store.write([record(occurred_at=datetime(year, 1, 2, tzinfo=UTC)) for _ in range(2)])
    await agree(redis, look)
    assert await counted(redis) == {"events:facebook": {"checkout.complete": 2 * len(years)}}

    await redis.flushall()
    await keeper.store.write([record(occurred_at=datetime(1970, 1, 1, tzinfo=UTC))])
    await agree(redis, look)
    assert list(await counted(redis)) == ["events:facebook"]


async def test_updates_that_were_read_before_somebody_else_applied_them_are_refused(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    counters: LiveCounters,
    updates: LiveUpdates,
) -> None:
    """As of a collector that was stopped after reading: the others apply, delete and forget; then it goes on."""
    keeper = await start_keeper()
    await keeper.store.write(some_records(5))
    await agree(redis, look)
    await keeper.end()
    writer = await start_keeper(running=False)
    await writer.store.write(some_records(7))
    stale = await counters.standing()
    read = await updates.settle(stale.told, 100)
    assert len(read.updates) == 1

    writer.start()
    await agree(redis, look)
    assert await eventually_empty(look)
    before = await counted(redis)

    outcome, _ = await counters.apply(stale, read.updates)

    assert outcome == "moved"
    assert await counted(redis) == before == await truth(look)


async def test_updates_that_are_offered_again_change_nothing(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    counters: LiveCounters,
    updates: LiveUpdates,
) -> None:
    writer = await start_keeper(running=False)
    assert await rebuild(counters, updates, 1.0) is not None
    await writer.store.write(some_records(5))
    read = await updates.settle([], 100)
    standing = await counters.standing()
    for _ in range(3):
        outcome, _ = await counters.apply(standing, read.updates)
        assert outcome == "applied"
        standing = msgspec.structs.replace(await counters.standing(), told=())
    assert await counted(redis) == await truth(look)


@pytest.mark.parametrize("limit", [{"live_backlog_updates": 5}, {"live_backlog_bytes": ByteSize(500)}])
async def test_a_backlog_that_grows_too_long_is_given_up_and_built_anew(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, limit: dict[str, Any]
) -> None:
    nowhere = LiveSettings(redis_url="redis://127.0.0.1:1/0", live_hold_seconds=1.0, **limit)
    lonely = await start_keeper(nowhere)
    for seed in range(12):
        await lonely.store.write(some_records(3, seed))

    async def given_up() -> None:
        assert await waiting(look) <= 5

    await eventually(given_up)
    assert await lonely.store.write(some_records(3)), "it goes on"
    await lonely.end()
    with pytest.raises(LiveUnavailable):
        await lonely.keeper.check()

    keeper = await start_keeper()
    await agree(redis, look)
    await keeper.has_rebuilt(unbuilt=1)


async def test_counters_that_missed_a_writer_without_redis_are_built_anew(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection, database_url: str
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(10))
    await agree(redis, look)
    await keeper.end()

    without = EventStore(keeper.store._database, SOURCE)
    await without.write(some_records(20))
    assert await waiting(look) <= 1, "the keeper's last, and none for nobody"

    again = await start_keeper()
    await agree(redis, look)

    await again.has_rebuilt(outdated=1)


async def test_a_redis_that_is_wiped_while_nothing_happens_is_built_anew(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(10))
    await agree(redis, look)

    for _ in range(2):
        await redis.flushall()
        await agree(redis, look)


async def test_what_retention_removes_is_taken_off(
    start_keeper: StartKeeper, redis: Redis, look: asyncpg.Connection
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(400))
    await agree(redis, look)
    before = sum((await counted(redis))["events:facebook"].values())
    cutoff = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    database = keeper.store._database
    await look.execute("DELETE FROM events WHERE occurred_at < $1", cutoff)
    while await delete_rollups(database, cutoff, 10, live=True):
        pass
    await agree(redis, look)

    after = await counted(redis)
    assert 0 < sum(after["events:facebook"].values()) < before
    assert list(after) == ["events:facebook", f"events:facebook:{cutoff:%Y%m%d}"]
    await keeper.has_rebuilt(unbuilt=1)

    await delete_rollups(database, datetime.now(UTC).replace(year=9999), 10_000, live=False)
    await look.execute("DELETE FROM events")
    await agree(redis, look)

    await keeper.has_rebuilt(unbuilt=1, outdated=1)


async def test_a_redis_that_does_not_answer_is_noticed_in_time(live_settings: LiveSettings) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = LiveConnection(
        LiveSettings(f"redis://127.0.0.1:{port}/0", redis_timeout_seconds=0.2), "test"
    )
    began = time.perf_counter()
    for call in (connection.ping, LiveCounters(connection, SOURCE).standing):
        with pytest.raises(LiveUnavailable):
            await call()
    assert time.perf_counter() - began < 2
    await connection.close()
    server.close()


async def eventually_empty(look: asyncpg.Connection) -> bool:
    async def empty() -> None:
        assert await waiting(look) == 0

    await eventually(empty)
    return True


async def waiting(look: asyncpg.Connection) -> int:
    return int(await look.fetchval("SELECT count(*) FROM live_updates") or 0)
