"""Real JetStream: an untouched one for each test that breaks it, the session's with empty hands for the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from ops.local import servers
from ops.local.servers import RunningServer
from pipeline.chassis.settings import ByteSize
from pipeline.stream import BatchConsumer, StreamConnection, StreamSettings
from tests.streams import delete_streams

SMALL = {"events_max_bytes": ByteSize(64 * 1024**2), "dead_letters_max_bytes": ByteSize(16 * 1024**2)}

Connect = Callable[..., Awaitable[StreamConnection]]
Consume = Callable[..., BatchConsumer]


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[RunningServer]:
    """For tests that kill or pause it."""
    with servers.running(servers.nats(tmp_path)) as server:
        yield server


@pytest.fixture
async def empty_nats(nats_server: RunningServer) -> RunningServer:
    """The session's JetStream without any stream."""
    await delete_streams(nats_server)
    return nats_server


@pytest.fixture
async def other_program(empty_nats: RunningServer) -> AsyncIterator[Client]:
    """A plain client of the same JetStream."""
    client = await nats.connect(empty_nats.url)
    yield client
    await client.close()


class Running:
    """Supervised loops of a test, which end with it."""

    def __init__(self) -> None:
        self._started: list[tuple[asyncio.Event, asyncio.Task[None]]] = []

    def start(self, loop: Callable[[asyncio.Event], Any]) -> Callable[[], Awaitable[None]]:
        """Returns what ends it in order, as at SIGTERM."""
        stop = asyncio.Event()
        task: asyncio.Task[None] = asyncio.create_task(loop(stop))
        self._started.append((stop, task))

        async def end() -> None:
            stop.set()
            await asyncio.wait_for(task, 5)

        return end

    async def end_all(self) -> None:
        for stop, task in reversed(self._started):
            stop.set()
            await asyncio.wait_for(task, 5)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    loops = Running()
    yield loops
    await loops.end_all()


@pytest.fixture
async def connect(running: Running) -> AsyncIterator[Connect]:
    """Connections as a process has them. `ready=False` does not wait for the streams."""
    connections: list[StreamConnection] = []

    async def connect(url: str, *, ready: bool = True, **settings: Any) -> StreamConnection:
        connection = StreamConnection(StreamSettings(nats_url=url, **{**SMALL, **settings}), "test")
        connections.append(connection)
        running.start(connection.run)
        if ready:
            await asyncio.wait_for(connection.ready(), 10)
        return connection

    yield connect
    await running.end_all()
    for connection in connections:
        await connection.close()


@pytest.fixture
def consume(running: Running) -> Consume:
    """Consumers of a source, running. Their `end` is not called: the test's end does that."""

    def consume(
        connection: StreamConnection,
        *,
        prefetch: int = 8,
        ack_wait_seconds: float = 30.0,
        max_ack_pending: int = 64,
    ) -> BatchConsumer:
        consumer = BatchConsumer(
            connection,
            "facebook",
            prefetch=prefetch,
            ack_wait_seconds=ack_wait_seconds,
            max_ack_pending=max_ack_pending,
        )
        running.start(consumer.run)
        return consumer

    return consume
