"""Gateways as processes of their own, and a publisher that tells their users something."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from ops.local import servers
from ops.local.servers import RunningServer
from pipeline.stream import NotificationPublisher, StreamConnection, StreamSettings
from tests.integration.notifications.clients import SECRET
from tests.processes import Process, Services, connections
from tests.streams import delete_streams


@pytest.fixture
async def jetstream_client(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[RunningServer]:
    """For tests that kill or pause it."""
    with servers.running(servers.nats(tmp_path / "nats")) as server:
        yield server


@pytest.fixture
def services(tmp_path: Path, nats_server: RunningServer, jetstream_client: Client) -> Iterator[Services]:
    with Services(tmp_path, {**connections(nats_server), "JWT_SECRET": SECRET}) as services:
        yield services


@pytest.fixture
def gateway(services: Services) -> Process:
    return services.gateway()


@pytest.fixture
async def publisher(
    nats_server: RunningServer, jetstream_client: Client
) -> AsyncIterator[NotificationPublisher]:
    async with publishing(nats_server) as publisher:
        yield publisher


class publishing:  # noqa: N801 - used as a function
    """A publisher of its own at some NATS server."""

    def __init__(self, server: RunningServer) -> None:
        self._connection = StreamConnection(StreamSettings(nats_url=server.url), "test")
        self._stop = asyncio.Event()

    async def __aenter__(self) -> NotificationPublisher:
        self._running = asyncio.create_task(self._connection.run(self._stop))
        await asyncio.wait_for(self._connection.ready(), 10)
        return NotificationPublisher(self._connection)

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._running
        await self._connection.close()


@pytest.fixture(scope="module")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory, nats_server: RunningServer) -> Iterator[Process]:
    """One for all tests of a module that leave it as it was."""
    settings = {**connections(nats_server), "JWT_SECRET": SECRET}
    with Services(tmp_path_factory.mktemp("gateway"), settings) as services:
        yield services.gateway()
