"""Partitions are made ahead by whoever comes first; what came too early for its partition moves into it."""

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from ops.local.binaries import ROOT
from pipeline.errors import StoreUnavailable
from pipeline.store import Database, EventStore
from pipeline.store.partitions import ensure_partitions
from tests.integration.store.conftest import OpenDatabase
from tests.integration.store.records import NOON, record
from tests.processes import eventually

ENSURE = """
import asyncio, sys
from datetime import datetime
from pipeline.store import Database, StoreSettings
from pipeline.store.partitions import ensure_partitions

async def main():
    async with Database(StoreSettings(database_url=sys.argv[1])) as database:
        print("started", flush=True)
        sys.stdin.readline()
        await ensure_partitions(database, datetime.fromisoformat(sys.argv[2]), 3)

asyncio.run(main())
"""
FIVE_DAYS = [f"events_202605{day}" for day in (13, 14, 15, 16, 17)]


async def test_yesterday_today_and_the_next_days_have_partitions(
    database: Database, look: asyncpg.Connection
) -> None:
    await ensure_partitions(database, NOON, 3)

    assert await partitions(look) == ["events_default", *FIVE_DAYS]


async def test_days_are_days_of_utc(database: Database, look: asyncpg.Connection) -> None:
    still_the_13th = datetime.fromisoformat("2026-05-14T01:00:00+03:00")

    await ensure_partitions(database, still_the_13th, 0)

    assert await partitions(look) == ["events_default", "events_20260512", "events_20260513"]


async def test_events_go_to_their_day_and_early_ones_move_there(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")
    midnight = datetime(2026, 5, 14, tzinfo=UTC)
    moments = [
        midnight - timedelta(microseconds=1),
        midnight,
        midnight + timedelta(hours=24) - timedelta(microseconds=1),
        midnight + timedelta(days=40),
    ]
    records = [record(occurred_at=moment) for moment in moments]
    await store.write(records)
    before = await look.fetch("SELECT * FROM events ORDER BY occurred_at")
    assert await look.fetchval("SELECT count(*) FROM events_default") == 4

    await ensure_partitions(database, NOON, 0)

    assert await look.fetch("SELECT * FROM events ORDER BY occurred_at") == before
    assert await look.fetchval("SELECT array_agg(event_id) FROM events_20260513") == [records[0].event_id]
    assert await look.fetchval("SELECT count(*) FROM events_20260514") == 2
    assert await look.fetchval("SELECT array_agg(event_id) FROM events_default") == [records[3].event_id]
    assert (await store.write(records)).duplicates == 4
    await store.write([record(), record()])
    assert await look.fetchval("SELECT count(*) FROM events_20260514") == 4


async def test_ensuring_again_changes_nothing(database: Database, look: asyncpg.Connection) -> None:
    await ensure_partitions(database, NOON, 3)
    await EventStore(database, "facebook").write([record()])
    before = await look.fetch("SELECT tableoid, * FROM events")

    await ensure_partitions(database, NOON, 3)

    assert await look.fetch("SELECT tableoid, * FROM events") == before
    assert await partitions(look) == ["events_default", *FIVE_DAYS]


async def test_partitions_have_the_indexes_of_the_events(
    database: Database, look: asyncpg.Connection
) -> None:
    await ensure_partitions(database, NOON, 0)

    assert await indexes(look, "events_20260514") == await indexes(look, "events_default")


async def test_an_event_that_waits_while_its_partition_is_made_is_not_refused(
    database: Database, look: asyncpg.Connection
) -> None:
    # It was bound for the default partition, and does not fit there any more when its turn comes.
    store = EventStore(database, "facebook")
    waiting_record = record()
    async with look.transaction():
        await look.execute("LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE")
        writing = asyncio.create_task(store.write([waiting_record]))
        await eventually(lambda: waits_for_a_lock(look))
        await look.execute(
            "CREATE TABLE events_20260514 PARTITION OF events"
            " FOR VALUES FROM ('2026-05-14Z') TO ('2026-05-15Z')"
        )

    with pytest.raises(StoreUnavailable):
        await writing

    assert (await store.write([waiting_record])).stored == 1
    assert await look.fetchval("SELECT count(*) FROM events_20260514") == 1


async def test_a_reader_that_waits_while_a_partition_is_made_misses_nothing(
    database: Database, look: asyncpg.Connection, database_url: str
) -> None:
    await EventStore(database, "facebook").write([record(), record()])
    reader = await asyncpg.connect(database_url)
    async with look.transaction():
        await look.execute("SELECT make_events_partition('2026-05-14')")
        reading = asyncio.create_task(reader.fetchval("SELECT count(*) FROM events"))
        await eventually(lambda: waits_for_a_lock(look))

    assert await reading == 2
    await reader.close()


@pytest.mark.exhaustive
async def test_several_processes_and_writers_may_be_at_it_at_once(
    open_database: OpenDatabase, look: asyncpg.Connection, database_url: str
) -> None:
    writer = EventStore(await open_database(), "facebook")
    await writer.write([record(occurred_at=NOON + timedelta(hours=hour)) for hour in range(-30, 90, 6)])
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ENSURE, database_url, NOON.isoformat()),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"started\n"
    same_process = await open_database()

    stop = asyncio.Event()
    writing = asyncio.create_task(write_until(stop, writer))
    ensuring = [
        asyncio.create_task(ensure_partitions(same_process, NOON, 3)),
        asyncio.create_task(ensure_partitions(same_process, NOON, 3)),
    ]
    answers = await asyncio.wait_for(asyncio.gather(*(each.communicate(b"\n") for each in processes)), 30)
    await asyncio.gather(*ensuring)
    stop.set()
    written = await writing

    assert [process.returncode for process in processes] == [0, 0], answers
    assert await partitions(look) == ["events_default", *FIVE_DAYS]
    assert await look.fetchval("SELECT count(*) FROM events") == 20 + written
    # Only what is outside of the five days is left where everything was.
    left = await look.fetchval(
        "SELECT count(*) FROM events_default WHERE occurred_at >= '2026-05-13Z' AND occurred_at < '2026-05-18Z'"
    )
    assert left == 0


async def write_until(stop: asyncio.Event, store: EventStore) -> int:
    written = 0
    while not stop.is_set():
        records = [record(occurred_at=NOON + timedelta(days=day)) for day in range(-1, 3)]
        with suppress(StoreUnavailable):  # a collector would try again
            written += (await store.write(records)).stored
    return written


async def partitions(look: asyncpg.Connection) -> list[str]:
    rows = await look.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'events'::regclass"
    )
    return sorted((row["name"] for row in rows), key=lambda name: (name != "events_default", name))


async def indexes(look: asyncpg.Connection, table: str) -> list[str]:
    """The definitions of a table's indexes, without names."""
    rows = await look.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = $1", table)
    return sorted(row["indexdef"].partition(f" ON public.{table} ")[2] for row in rows)


async def waits_for_a_lock(look: asyncpg.Connection) -> None:
    assert await look.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
