"""A database that is not migrated is named as such, and the store waits for it."""

import pytest

from ops.local import database
from ops.local.servers import RunningServer
from pipeline.errors import StoreUnavailable
from pipeline.store import Database, StoreSettings
from pipeline.store.migrations import check_migrated
from pipeline.store.progress import report_progress
from tests.unit.builders import NOW


async def test_a_database_of_this_version_is_ready(database_url: str) -> None:
    async with Database(StoreSettings(database_url)) as store:
        assert "migrations" in await check_migrated(store)


async def test_a_database_without_tables_says_so_and_is_waited_for(
    postgres_server: RunningServer, prisma_environment: None
) -> None:
    url = database.with_name(postgres_server.url, "not_migrated")
    database.ensure(url)
    try:
        async with Database(StoreSettings(url)) as store:
            with pytest.raises(StoreUnavailable, match="the database is not migrated yet"):
                await check_migrated(store)
            with pytest.raises(StoreUnavailable, match='not migrated yet: relation "collector_progress"'):
                await report_progress(store, "facebook", NOW, NOW)
    finally:
        database.drop(url)


async def test_a_database_of_an_older_version_names_the_migrations_that_it_lacks(database_url: str) -> None:
    async with Database(StoreSettings(database_url)) as store:
        rows = await store.query("SELECT max(migration_name) AS newest FROM _prisma_migrations")
        newest = rows[0]["newest"]
        await store.execute(
            "UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = $1", newest
        )
        with pytest.raises(StoreUnavailable, match=f"not migrated yet: {newest}"):
            await check_migrated(store)
