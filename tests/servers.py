"""Fixtures with real servers. `tests/conftest.py` makes them available to all tests:

    pytest_plugins = ["tests.servers"]

The servers live as long as the test session, on ports chosen at run time. A test that kills or pauses one
must leave it running: `RunningServer.start()` and `.resume()` return when it is ready again. Whoever needs
an untouched server of their own says `with servers.running(servers.nats(tmp_path))`.
"""

import itertools
from collections.abc import Iterator

import pytest

from ops.local import database, prisma_cli, servers
from ops.local.servers import RunningServer

_numbers = itertools.count(1)

FAST_AND_UNSAFE = {"fsync": "off", "full_page_writes": "off"}
"""A test's database may be lost with the machine, but not with a killed process: that needs no fsync."""


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """JetStream. Streams stay from test to test: use stream names of your own, or delete them."""
    with servers.running(servers.nats(tmp_path_factory.mktemp("nats"))) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Redis. Keys stay from test to test: use a prefix of your own, or flush."""
    with servers.running(servers.redis(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Postgres without any database of ours. See `database_url`."""
    folder = tmp_path_factory.mktemp("postgres")
    with servers.running(servers.postgres(folder, settings=FAST_AND_UNSAFE)) as server:
        yield server


@pytest.fixture(scope="session")
def empty_database_url(postgres_server: RunningServer) -> Iterator[str]:
    """A database without tables, for tests of migrations and of the query engine. Shared by the session."""
    url = database.with_name(postgres_server.url, f"empty_{next(_numbers)}")
    database.ensure(url)
    yield url
    database.drop(url)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: RunningServer) -> str:
    """A migrated database that nobody connects to: what `database_url` clones."""
    url = database.with_name(postgres_server.url, "migrated")
    database.ensure(url)
    database.migrate(url)
    return url


@pytest.fixture
def prisma_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Prisma Client Python finds Node and the query engine."""
    for name, value in prisma_cli.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def database_url(migrated_template: str, prisma_environment: None) -> Iterator[str]:
    """A freshly migrated database for this test alone, with what Prisma's client needs in the environment."""
    url = database.clone(migrated_template, f"test_{next(_numbers)}")
    yield url
    database.drop(url)
