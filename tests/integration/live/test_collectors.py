"""Whole collectors: Redis may go away, they may die between commit and counters; the counters end right."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import nats
import pytest
from nats.aio.client import Client
from redis.asyncio import Redis

from ops.local import servers
from ops.local.servers import RunningServer
from tests.integration.collectors.facebook_events import batch_of, make_events, waiting
from tests.integration.live.conftest import agree
from tests.processes import Process, Services, connections, eventually, pause
from tests.streams import delete_streams

pytestmark = pytest.mark.exhaustive

_BATCH = 50


class Sender:
    """Publishes batches as the gateway does, one every 20 ms, and counts the events."""

    def __init__(self, client: Client) -> None:
        self._jetstream = client.jetstream()
        self._seed = 0
        self.sent = 0

    async def send(self) -> None:
        self._seed += 1
        batch = batch_of(make_events(_BATCH, self._seed))
        await self._jetstream.publish("events.facebook", batch.payload(), headers=batch.headers())
        self.sent += _BATCH

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        done = asyncio.Event()

        async def keep_sending() -> None:
            while not done.is_set():
                await self.send()
                await asyncio.sleep(0.02)

        task = asyncio.create_task(keep_sending())
        yield
        done.set()
        await task


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RunningServer]:
    """For tests that break it."""
    with servers.running(servers.redis(tmp_path)) as server:
        yield server


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, own_redis: RunningServer, database_url: str
) -> Iterator[Services]:
    with Services(tmp_path, connections(nats_server, own_redis, database_url=database_url)) as services:
        yield services


@pytest.fixture
async def broker(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.mark.parametrize("point", ["before-apply", "after-apply"])
async def test_a_collector_that_is_killed_between_commit_and_counters_loses_and_doubles_nothing(
    services: Services, broker: Client, look: asyncpg.Connection, own_redis: RunningServer, point: str
) -> None:
    collector = services.collector("facebook", ACK_WAIT_SECONDS="2")
    sender = Sender(broker)
    async with sender.load():
        for nth in ("1", "2", "4"):
            collector.kill()
            collector.wrap("tests.integration.live.crashing", point, nth)
            collector.launch()
            assert await asyncio.to_thread(collector.wait) == -9
            collector.wrap()
            await asyncio.to_thread(collector.start)
    await all_is_counted(sender, broker, look, own_redis)


@pytest.mark.parametrize("away", ["killed", "stopped"])
async def test_while_redis_is_away_ingest_goes_on_and_readiness_says_degraded(
    services: Services, broker: Client, look: asyncpg.Connection, own_redis: RunningServer, away: str
) -> None:
    collectors = [services.collector("facebook") for _ in range(2)]
    sender = Sender(broker)
    async with sender.load():
        await eventually(lambda: more_is_stored(look, 500))
        pause(own_redis) if away == "stopped" else own_redis.kill()
        try:
            for collector in collectors:
                await eventually(lambda asked=collector: is_degraded(asked))
            before = await stored(look)
            began = time.monotonic()
            await eventually(lambda: more_is_stored(look, before + 1000))
            print(f"1,000 events stored within {time.monotonic() - began:.1f} s without Redis")
            for collector in collectors:
                await is_degraded(collector)
        finally:
            own_redis.resume() if away == "stopped" else own_redis.start()
        for collector in collectors:
            await eventually(lambda asked=collector: is_whole(asked))
    await all_is_counted(sender, broker, look, own_redis)


async def test_a_wiped_redis_is_built_anew_at_load(
    services: Services, broker: Client, look: asyncpg.Connection, own_redis: RunningServer
) -> None:
    collectors = [services.collector("facebook") for _ in range(2)]
    sender = Sender(broker)
    async with sender.load(), Redis.from_url(own_redis.url) as redis:
        for stored_by_then in (300, 800, 1300):
            await eventually(lambda: more_is_stored(look, stored_by_then))  # noqa: B023 - awaited at once
            await redis.flushall()
    await all_is_counted(sender, broker, look, own_redis)
    async with httpx.AsyncClient() as client:
        metrics = [(await client.get(f"{collector.url}/metrics")).text for collector in collectors]
    assert any('live_rebuilds_total{reason="unbuilt",source="facebook"}' in text for text in metrics)


async def test_a_collector_starts_without_redis_and_counts_when_it_comes(
    services: Services, broker: Client, look: asyncpg.Connection, own_redis: RunningServer
) -> None:
    own_redis.kill()
    collector = services.collector("facebook")  # is ready
    await is_degraded(collector)
    sender = Sender(broker)
    for _ in range(5):
        await sender.send()
    await eventually(lambda: more_is_stored(look, 5 * _BATCH))
    own_redis.start()
    await all_is_counted(sender, broker, look, own_redis)


async def test_without_a_redis_url_nothing_is_kept_for_redis(
    services: Services, broker: Client, look: asyncpg.Connection
) -> None:
    collector = services.collector("facebook", REDIS_URL="")
    sender = Sender(broker)
    await sender.send()
    await eventually(lambda: more_is_stored(look, _BATCH))
    assert await look.fetchval("SELECT count(*) FROM live_updates") == 0
    _, body = await ask(collector)
    assert body["status"] == "ready"
    assert "redis" not in [check["name"] for check in body["checks"]]


async def all_is_counted(
    sender: Sender, broker: Client, look: asyncpg.Connection, own_redis: RunningServer
) -> None:
    async def settled() -> None:
        assert await waiting(broker) == 0

    await eventually(settled, within_seconds=30)
    assert await stored(look) == sender.sent
    async with Redis.from_url(own_redis.url, decode_responses=True) as redis:
        await agree(redis, look, within_seconds=15)


async def stored(look: asyncpg.Connection) -> int:
    return int(await look.fetchval("SELECT count(*) FROM events") or 0)


async def more_is_stored(look: asyncpg.Connection, events: int) -> None:
    assert await stored(look) >= events


async def ask(collector: Process) -> tuple[int, dict[str, Any]]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{collector.url}/health/ready")
    return answer.status_code, answer.json()


async def is_degraded(collector: Process) -> None:
    status, body = await ask(collector)
    failing = [check["name"] for check in body["checks"] if not check["ready"]]
    assert (status, body["status"], body["ready"], failing) == (200, "degraded", True, ["redis"])


async def is_whole(collector: Process) -> None:
    status, body = await ask(collector)
    assert (status, body["status"]) == (200, "ready")
