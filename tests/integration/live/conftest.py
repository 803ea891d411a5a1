"""Writers and counter keepers as collectors run them, between a database of their own and the session's Redis."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from collectors._runtime.counting import CounterKeeper
from collectors._runtime.counting_telemetry import CountingTelemetry
from collectors.registry import SOURCES
from ops.local.servers import RunningServer
from pipeline.chassis.tracing import TracedOccasion
from pipeline.events.record import EventRecord
from pipeline.events.source import Source
from pipeline.live import LiveConnection, LiveCounters, LiveSettings
from pipeline.store import Database, EventStore, StoreSettings
from pipeline.store.live_updates import LiveUpdates
from pipeline.store.projections import PROJECTIONS
from tests.integration.live.truth import SOURCE, counted, truth
from tests.integration.store.records import record
from tests.processes import eventually

_TYPES = ("ad.view", "page.like", "comment", "ad.click")
_numbers = itertools.count(1)


def some_records(count: int, seed: int = 0) -> list[EventRecord]:
    """New events of today and the days before it, one day too old for a counter of its own among them."""
    chosen = random.Random(seed)
    now = datetime.now(UTC)
    return [
        record(
            event_id=f"live-{next(_numbers)}",
            event_type=chosen.choice(_TYPES),
            occurred_at=now - timedelta(days=chosen.choice((0, 0, 0, 1, 7, 34, 60))),
        )
        for _ in range(count)
    ]


@dataclass
class Keeper:
    """One collector's counting: a writer with its keeper."""

    store: EventStore
    keeper: CounterKeeper
    registry: CollectorRegistry
    source: str = SOURCE
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.keeper.run(self.stop))

    async def end(self) -> None:
        self.stop.set()
        if self.task:
            await asyncio.wait_for(self.task, 10)

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"source": self.source, **labels}) or 0.0

    def rebuilds(self) -> dict[str, int]:
        reasons = ("unbuilt", "restarted", "damaged", "outdated")
        made = {reason: int(self.metric("live_rebuilds_total", reason=reason)) for reason in reasons}
        return {reason: number for reason, number in made.items() if number}

    async def has_rebuilt(self, **times: int) -> None:
        """Waits until these are the rebuilds: keys are there a moment before they are counted."""

        async def counted_so() -> None:
            assert self.rebuilds() == times

        await eventually(counted_so)


StartKeeper = Callable[..., Awaitable[Keeper]]


@pytest.fixture
async def redis(redis_server: RunningServer) -> AsyncIterator[Redis]:
    """A plain client of a Redis that is empty at the beginning."""
    client = Redis.from_url(redis_server.url, decode_responses=True)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def live_settings(redis_server: RunningServer, redis: Redis) -> LiveSettings:
    return LiveSettings(redis_url=redis_server.url, live_poll_seconds=0.1, live_hold_seconds=1.0)


@pytest.fixture
async def open_database(
    database_url: str, prisma_environment: None
) -> AsyncIterator[Callable[[], Awaitable[Database]]]:
    """Opens databases as processes do."""
    async with AsyncExitStack() as stack:

        async def open_database() -> Database:
            return await stack.enter_async_context(Database(StoreSettings(database_url=database_url)))

        yield open_database


@pytest.fixture
async def updates(open_database: Callable[[], Awaitable[Database]]) -> LiveUpdates:
    return LiveUpdates(await open_database(), SOURCE)


@pytest.fixture
async def counters(live_settings: LiveSettings) -> AsyncIterator[LiveCounters]:
    connection = LiveConnection(live_settings, "test")
    yield LiveCounters(connection, SOURCE)
    await connection.close()


@pytest.fixture
async def start_keeper(
    open_database: Callable[[], Awaitable[Database]], live_settings: LiveSettings
) -> AsyncIterator[StartKeeper]:
    """Starts keepers of the source; they end with the test."""
    started: list[Keeper] = []

    async def start(
        settings: LiveSettings = live_settings, *, source: Source = SOURCES[SOURCE], running: bool = True
    ) -> Keeper:
        database, news, registry = await open_database(), TracedOccasion(), CollectorRegistry()
        projection = PROJECTIONS[source.projection]
        telemetry = CountingTelemetry(registry, source.name)
        connection = LiveConnection(settings, "test")
        keeper = CounterKeeper(
            connection,
            LiveCounters(connection, source.name, source.projection),
            LiveUpdates(database, source.name, projection),
            settings,
            news,
            telemetry,
        )
        made = Keeper(EventStore(database, source.name, news, projection), keeper, registry, source.name)
        started.append(made)
        if running:
            made.start()
        return made

    yield start
    for made in started:
        await made.end()


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Reads the tables, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def agree(redis: Redis, look: Any, within_seconds: float = 10.0) -> None:
    """Returns when the counters say what the events say and nothing waits."""

    async def same() -> None:
        assert await look.fetchval("SELECT count(*) FROM live_updates") <= 500
        assert await counted(redis) == await truth(look)

    await eventually(same, within_seconds=within_seconds)
