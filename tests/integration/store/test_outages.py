"""What is away is StoreUnavailable, soon; once it is back the same client works again, and nothing lost or doubled"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import asyncpg
import psutil
import pytest

from ops.local.servers import RunningServer
from pipeline.errors import StoreUnavailable
from pipeline.events.record import EventRecord
from pipeline.store import Database, EventStore, StoreSettings, WriteResult
from tests.integration.store.conftest import OpenDatabase
from tests.integration.store.records import record
from tests.processes import eventually

QueryEngines = Callable[[], list[psutil.Process]]


@pytest.fixture
def query_engines() -> QueryEngines:
    """The engines started since the test began: services that other tests of this run share have engines, too."""
    others = set(every_query_engine())
    return lambda: [engine for engine in every_query_engine() if engine not in others]


@pytest.fixture
async def own_database(own_database_url: str) -> AsyncIterator[Database]:
    database = await open_with(own_database_url)
    yield database
    await database.close()


async def open_with(url: str) -> Database:
    database = Database(StoreSettings(database_url=url, database_connect_timeout_seconds=2.0))
    await database.connect()
    return database


async def test_postgres_that_is_away_is_told_and_its_return_is_noticed(
    own_postgres: RunningServer, own_database: Database
) -> None:
    store = EventStore(own_database, "facebook")
    records = [record(), record()]
    await store.write(records[:1])

    own_postgres.stop()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.write(records)
        assert time.monotonic() - began < 4

    own_postgres.start()
    result = await eventually(lambda: writes(store, records), within_seconds=10)
    assert (result.stored, result.duplicates) == (1, 1)


async def test_postgres_killed_during_a_write_leaves_all_or_nothing(
    own_postgres: RunningServer, own_database: Database, own_database_url: str
) -> None:
    store = EventStore(own_database, "facebook")
    records = [record() for _ in range(2000)]
    blocker = await asyncpg.connect(own_database_url)
    await blocker.execute("BEGIN; LOCK TABLE event_rollups IN ACCESS EXCLUSIVE MODE")
    writing = asyncio.create_task(store.write(records))
    await eventually(lambda: waits_for_a_lock(blocker))

    own_postgres.kill()

    with pytest.raises(StoreUnavailable):
        await writing
    blocker.terminate()
    own_postgres.start()
    result = await eventually(lambda: writes(store, records), within_seconds=10)
    assert result.stored == 2000
    rows = await own_database.query("SELECT count(*)::text AS events FROM events")
    assert rows == [{"events": "2000"}]


async def test_a_database_may_be_opened_before_postgres_is_there(
    own_postgres: RunningServer, own_database_url: str
) -> None:
    own_postgres.stop()
    database = await open_with(own_database_url)
    try:
        with pytest.raises(StoreUnavailable):
            await database.ping()
        own_postgres.start()
        await eventually(lambda: pings(database), within_seconds=10)
    finally:
        await database.close()


async def test_a_query_engine_that_is_killed_is_started_anew(
    query_engines: QueryEngines, database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")
    records = [record(), record()]
    await store.write(records[:1])
    before = query_engines()
    assert len(before) == 1

    before[0].kill()
    before[0].wait(5)

    # Callers that notice at the same time: each is told, and one engine is started for all of them.
    outcomes = await asyncio.gather(*(database.ping() for _ in range(5)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {StoreUnavailable, str}
    result = await eventually(lambda: writes(store, records), within_seconds=10)
    assert (result.stored, result.duplicates) == (1, 1)
    assert len(query_engines()) == 1
    assert await look.fetchval("SELECT count(*) FROM events") == 2


async def test_a_query_engine_killed_during_a_write_does_not_double_it(
    query_engines: QueryEngines, database: Database, look: asyncpg.Connection, database_url: str
) -> None:
    store = EventStore(database, "facebook")
    records = [record() for _ in range(100)]
    blocker = await asyncpg.connect(database_url)
    await blocker.execute("BEGIN; LOCK TABLE event_rollups IN ACCESS EXCLUSIVE MODE")
    writing = asyncio.create_task(store.write(records))
    await eventually(lambda: waits_for_a_lock(look))

    query_engines()[0].kill()

    with pytest.raises(StoreUnavailable):
        await writing
    await blocker.close()  # what waited in Postgres goes on, and may commit: nobody is told
    result = await eventually(lambda: writes(store, records), within_seconds=10)
    assert result.stored + result.duplicates == 100
    assert await look.fetchval("SELECT count(*) FROM events") == 100
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 1") == 100


async def test_a_statement_that_takes_too_long_is_given_up(
    open_database: OpenDatabase, look: asyncpg.Connection
) -> None:
    database = await open_database(database_statement_timeout_seconds=0.5)
    store = EventStore(database, "facebook")
    records = [record()]

    async with look.transaction():
        await look.execute("LOCK TABLE event_ledger IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.write(records)
        assert time.monotonic() - began < 3

    assert (await store.write(records)).stored == 1


async def test_a_database_that_is_not_there_is_no_data_error(
    open_database: OpenDatabase, database_url: str
) -> None:
    database = await open_database(f"{database_url}_of_another_name")

    with pytest.raises(StoreUnavailable):
        await EventStore(database, "facebook").write([record()])


async def test_nothing_is_left_of_a_closed_database(
    query_engines: QueryEngines, open_database: OpenDatabase
) -> None:
    database = await open_database()
    await database.ping()
    engines = query_engines()
    assert engines

    await database.close()

    _, left = psutil.wait_procs(engines, timeout=5)
    assert not left
    with pytest.raises(StoreUnavailable):
        await database.ping()


def every_query_engine() -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # somebody else's, that has just ended
            if "prisma/engine" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def writes(store: EventStore, records: list[EventRecord]) -> WriteResult:
    try:
        return await store.write(records)
    except StoreUnavailable as error:
        raise AssertionError(str(error)) from error


async def pings(database: Database) -> None:
    try:
        await database.ping()
    except StoreUnavailable as error:
        raise AssertionError(str(error)) from error


async def waits_for_a_lock(look: asyncpg.Connection) -> None:
    waiting = await look.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
    assert waiting, "no statement waits for a lock yet"
