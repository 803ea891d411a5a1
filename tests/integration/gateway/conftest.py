"""A gateway as a process of its own in front of the session's JetStream, which is empty at the beginning."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from tests.processes import Services, connections
from tests.streams import delete_streams


@pytest.fixture
async def jetstream_client(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def services(tmp_path: Path, nats_server: RunningServer, jetstream_client: Client) -> Iterator[Services]:
    with Services(tmp_path, connections(nats_server)) as services:
        yield services
