"""A migrated database behind the real Prisma engine, and a plain connection that looks at what is stored."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ops.local import database as databases
from ops.local import prisma_cli, servers
from ops.local.servers import RunningServer
from pipeline.store import Database, StoreSettings
from tests.servers import FAST_AND_UNSAFE

OpenDatabase = Callable[..., Awaitable[Database]]


@pytest.fixture(autouse=True)
def prisma_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Prisma Client Python finds the query engine."""
    for name, value in prisma_cli.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def open_database(database_url: str) -> AsyncIterator[OpenDatabase]:
    """Opens databases as processes do, each with a query engine of its own."""
    opened: list[Database] = []

    async def open_database(url: str = database_url, **settings: Any) -> Database:
        database = Database(StoreSettings(database_url=url, **settings))
        await database.connect()
        opened.append(database)
        return database

    yield open_database
    for database in opened:
        await database.close()


@pytest.fixture
async def database(open_database: OpenDatabase) -> Database:
    return await open_database()


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Reads the tables, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[RunningServer]:
    """For tests that break it; `own_database_url` is migrated."""
    with servers.running(servers.postgres(tmp_path, settings=FAST_AND_UNSAFE)) as server:
        yield server


@pytest.fixture
def own_database_url(own_postgres: RunningServer) -> str:
    databases.ensure(own_postgres.url)
    databases.migrate(own_postgres.url)
    return own_postgres.url
