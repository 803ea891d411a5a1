"""A collector as its process runs it, between the session's JetStream and a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import nats
import pytest
from nats.aio.client import Client

from collectors._runtime.app import create_collector
from collectors._runtime.settings import CollectorSettings
from collectors.registry import SOURCES
from ops.local import prisma_cli
from ops.local.servers import RunningServer
from pipeline.chassis.settings import ByteSize
from pipeline.chassis.supervision import supervise
from pipeline.store import Database, StoreSettings
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from tests.streams import delete_streams


@dataclass
class Collector:
    """A running collector and its HTTP side."""

    client: httpx.AsyncClient
    stop: asyncio.Event
    task: asyncio.Task[bool]

    async def get(self, path: str) -> Mapping[str, Any]:
        """The JSON that a route answers."""
        return (await self.client.get(path)).json()

    async def end(self) -> bool:
        """As SIGTERM does. Returns whether it ended well."""
        self.stop.set()
        return await asyncio.wait_for(self.task, 20)


StartCollector = Callable[..., Awaitable[Collector]]


@pytest.fixture(autouse=True)
def prisma_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Prisma Client Python finds the query engine."""
    for name, value in prisma_cli.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def other_program(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
async def gateway_side(nats_server: RunningServer, other_program: Client) -> AsyncIterator[StreamPublisher]:
    """Publishes as the gateway does; the streams exist."""
    connection = StreamConnection(stream_settings(nats_server), "gateway")
    stop = asyncio.Event()
    task = asyncio.create_task(connection.run(stop))
    await asyncio.wait_for(connection.ready(), 10)
    yield StreamPublisher(connection)
    stop.set()
    await task
    await connection.close()


@pytest.fixture
async def start_collector(
    nats_server: RunningServer, other_program: Client, database_url: str
) -> AsyncIterator[StartCollector]:
    """Starts collectors of `facebook`; they end with the test."""
    started: list[tuple[Collector, StreamConnection, Database]] = []

    async def start(url: str = database_url, **settings: Any) -> Collector:
        connection = StreamConnection(stream_settings(nats_server), "facebook-collector")
        database = Database(
            StoreSettings(
                database_url=url, database_statement_timeout_seconds=3.0, database_connect_timeout_seconds=1.0
            )
        )
        await database.connect()
        collector_settings = CollectorSettings(
            **{"retry_max_seconds": 0.5, "progress_interval_seconds": 0.1, **settings}
        )
        app, loops = create_collector(SOURCES["facebook"], collector_settings, connection, database)
        stop = asyncio.Event()
        collector = Collector(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://collector"),  # type: ignore[arg-type]
            stop,
            asyncio.create_task(supervise(loops, stop, 5.0)),
        )
        started.append((collector, connection, database))
        await asyncio.wait_for(connection.ready(), 10)
        return collector

    yield start
    for collector, connection, database in started:
        await collector.end()
        await collector.client.aclose()
        await connection.close()
        await database.close()


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Reads the tables, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def stream_settings(server: RunningServer) -> StreamSettings:
    return StreamSettings(nats_url=server.url, events_max_bytes=ByteSize(64 * 1024**2))
