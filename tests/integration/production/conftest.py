"""Servers of production for the tests here; see `servers.py`."""

from collections.abc import Iterator

import pytest

from pipeline.chassis.settings import load_settings
from pipeline.stream import StreamConnection, StreamSettings
from pipeline.stream.topology import ensure_topology
from tests.integration.production.servers import (
    Certificates,
    Nats,
    Postgres,
    Redis,
    running_nats,
    running_postgres,
    running_redis,
)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def nats(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Nats]:
    """Without streams: `streams` has them."""
    with running_nats(tmp_path_factory.mktemp("nats"), certificates) as server:
        yield server


@pytest.fixture
async def streams(nats: Nats) -> Nats:
    """With the streams, as the one program makes them that may."""
    settings = load_settings(StreamSettings, nats.settings("topology"))
    connection = StreamConnection(settings, "topology")
    await connection.open()
    await ensure_topology(connection.jetstream, settings)
    await connection.close()
    return nats


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Postgres]:
    """Migrated, with all roles. Tests share it."""
    with running_postgres(tmp_path_factory.mktemp("postgres-of-production"), certificates) as server:
        yield server


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Redis]:
    """With all users, and empty."""
    with running_redis(tmp_path_factory.mktemp("redis"), certificates) as server:
        yield server
