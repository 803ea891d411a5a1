"""Counters are replaced as a whole while everything else goes on, or not at all."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from ops.local import prisma_cli, servers
from pipeline.errors import LiveUnavailable
from pipeline.events.changes import Snapshot
from pipeline.live import LiveCounters, LiveSettings, compare, rebuild
from pipeline.store.live_updates import LiveUpdates
from tests.integration.live.conftest import Keeper, StartKeeper, agree, some_records
from tests.integration.live.truth import counted, truth
from tests.processes import eventually

pytestmark = pytest.mark.exhaustive


class SlowStore:
    """Postgres, but after each snapshot so much time passes."""

    def __init__(self, updates: LiveUpdates, seconds: float) -> None:
        self._updates = updates
        self._seconds = seconds
        self.open_epoch = updates.open_epoch

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with self._updates.snapshot() as snapshot:
            await asyncio.sleep(self._seconds)
            yield snapshot


async def load(keepers: list[Keeper], done: asyncio.Event) -> int:
    """All of them write until told to stop. Returns the number of events."""

    async def write(keeper: Keeper, seed: int) -> int:
        written = 0
        while not done.is_set():
            written += (await keeper.store.write(some_records(7, seed + written))).stored
        return written

    return sum(await asyncio.gather(*(write(keeper, seed) for seed, keeper in enumerate(keepers))))


async def test_rebuilds_under_load_from_several_writers_lose_nothing_and_double_nothing(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    counters: LiveCounters,
    updates: LiveUpdates,
) -> None:
    keepers = [await start_keeper() for _ in range(3)]
    done = asyncio.Event()
    loading = asyncio.create_task(load(keepers, done))
    rebuilt = 0
    for turn in range(20):
        slow = SlowStore(updates, 0.05 if turn % 2 else 0)  # so that much is committed after the snapshot
        rebuilt += await rebuild(counters, slow, 1.0) is not None
        await asyncio.sleep(0.02)
        comparison = await compare(counters, slow, 1.0)
        assert comparison is not None
        assert (comparison.condition, comparison.differences) == ("good", [])
        await asyncio.sleep(0.02)
    done.set()
    written = await loading

    await agree(redis, look)
    assert sum((await counted(redis))["events:facebook"].values()) == written
    assert rebuilt >= 15


async def test_only_one_at_a_time_holds_the_counters(
    start_keeper: StartKeeper,
    look: asyncpg.Connection,
    redis: Redis,
    counters: LiveCounters,
    updates: LiveUpdates,
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(5))
    await agree(redis, look)
    async with counters.hold(5.0) as hold:
        assert hold
        assert await rebuild(counters, updates, 1.0) is None
        assert await compare(counters, updates, 1.0) is None
        await keeper.store.write(some_records(5))
        await asyncio.sleep(0.3)
        assert await counted(redis) != await truth(look), "updates wait"
        assert await keeper.store.write(some_records(1)), "events do not"
    await agree(redis, look)


async def test_a_hold_is_renewed_for_as_long_as_its_holder_lives(
    redis: Redis, counters: LiveCounters, updates: LiveUpdates
) -> None:
    assert await rebuild(counters, SlowStore(updates, 0.8), 0.3) is not None
    assert await redis.exists("live:facebook:hold") == 0


async def test_a_rebuild_that_lost_its_hold_changes_nothing(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    counters: LiveCounters,
    updates: LiveUpdates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(50))
    await agree(redis, look)

    async def asleep(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(LiveCounters, "_renew", asleep)  # as of a process that was stopped meanwhile
    rebuilding = asyncio.create_task(rebuild(counters, SlowStore(updates, 0.6), 0.2))
    await asyncio.sleep(0.3)
    await keeper.store.write(some_records(50, 2))
    await agree(redis, look)

    with pytest.raises(LiveUnavailable):
        await rebuilding
    assert await counted(redis) == await truth(look)
    await keeper.has_rebuilt(unbuilt=1)


@pytest.mark.parametrize("spoiled", ["live:facebook:hold", "*"])
async def test_a_wipe_during_a_rebuild_is_noticed(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    counters: LiveCounters,
    updates: LiveUpdates,
    spoiled: str,
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(50))
    await agree(redis, look)
    rebuilding = asyncio.create_task(rebuild(counters, SlowStore(updates, 0.4), 5.0))

    async def held() -> None:
        assert await redis.exists("live:facebook:hold")

    await eventually(held)
    await (redis.flushall() if spoiled == "*" else redis.delete(spoiled))
    await keeper.store.write(some_records(50, 2))
    with pytest.raises(LiveUnavailable):
        await rebuilding
    await agree(redis, look)


@pytest.mark.parametrize("point", ["before-Build.add", "before-Build.finish", "after-standing"])
async def test_a_program_that_is_killed_half_way_through_leaves_the_counters_as_they_were(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    live_settings: LiveSettings,
    database_url: str,
    point: str,
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(50))
    await agree(redis, look)
    command = "check" if point.endswith("standing") else "rebuild"

    killed = await console(database_url, live_settings, command, "--source", "facebook", wrapper=(point, "1"))
    assert killed.returncode == -9, killed.stderr
    assert await redis.pttl("live:facebook:hold") > 0
    assert await counted(redis) == await truth(look)

    await keeper.store.write(some_records(50, 2))
    await agree(redis, look)
    await keeper.has_rebuilt(unbuilt=1)
    staged = [key async for key in redis.scan_iter(match="live:facebook:staged:*")]
    assert (len(staged) > 0) == (point == "before-Build.finish")
    for key in staged:
        assert 0 < await redis.ttl(key) <= 3600, "what was staged does not stay for ever"


async def test_a_restarted_redis_that_forgot_its_last_second_is_built_anew(
    start_keeper: StartKeeper, look: asyncpg.Connection, tmp_path: Path
) -> None:
    with servers.running(servers.redis(tmp_path)) as server:
        settings = LiveSettings(redis_url=server.url, live_poll_seconds=0.1)
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            keepers = [await start_keeper(settings) for _ in range(2)]
            await keepers[0].store.write(some_records(100))
            await agree(redis, look)
            log = next((tmp_path / "redis").rglob("*.aof"))
            shutil.copy(log, tmp_path / "older")
            await keepers[1].store.write(some_records(50, 2))
            await agree(redis, look)

            async def told() -> None:
                assert await look.fetchval("SELECT count(*) FROM live_updates") == 0

            await eventually(told)
            server.kill()
            shutil.copy(tmp_path / "older", log)
            server.start()
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            await keepers[0].store.write(some_records(10, 3))
            await agree(redis, look)
        for keeper in keepers:
            await keeper.end()


async def test_the_console_rebuilds_shows_and_checks(
    start_keeper: StartKeeper,
    redis: Redis,
    look: asyncpg.Connection,
    live_settings: LiveSettings,
    database_url: str,
) -> None:
    keeper = await start_keeper()
    await keeper.store.write(some_records(50))
    await agree(redis, look)

    async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await console(database_url, live_settings, *arguments)

    checked = await run("check", "--source", "facebook")
    assert checked.returncode == 0, checked.stderr
    assert "agree" in checked.stdout
    shown = await run("show")
    assert "events:facebook" in shown.stdout
    assert "tiktok" in shown.stdout

    await redis.hincrby("events:facebook", "ad.view", 7)
    await redis.set("events:facebook:20010101", "of somebody else")
    wrong = await run("check", "--source", "facebook")
    assert wrong.returncode == 1
    assert "1 counter differs" in wrong.stdout
    assert (await run("rebuild")).returncode == 0
    assert await counted(redis) == await truth(look)
    assert await redis.exists("events:facebook:20010101") == 0
    assert (await run("check")).returncode == 0, "also of a source that has no events"

    nowhere = LiveSettings(redis_url="redis://127.0.0.1:1/0")
    away = await console(database_url, nowhere, "rebuild")
    assert (away.returncode, away.stdout) == (1, "")
    assert "Redis" in away.stderr
    none = await console(database_url, LiveSettings(), "show")
    assert "REDIS_URL is not set" in none.stderr


async def console(
    database_url: str, settings: LiveSettings, *arguments: str, wrapper: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """`./sluice counters ...`, as a process of its own."""
    module = ("tests.integration.live.crashing", *wrapper, "console") if wrapper else ("console",)
    environment = {
        **prisma_cli.environment(),
        "DATABASE_URL": database_url,
        "REDIS_URL": settings.redis_url,
        "LIVE_HOLD_SECONDS": "1.5",
        "PATH": "/usr/bin:/bin",
        "COLUMNS": "200",
    }
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", *module, "counters", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
