"""What is older than RETENTION_DAYS goes, whole days of it; nothing else does, and nobody waits for it."""

import asyncio
import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from pipeline.errors import StoreUnavailable
from pipeline.store import Database, EventStore, retention
from pipeline.store.partitions import ensure_partitions
from tests.integration.store.conftest import OpenDatabase
from tests.integration.store.records import NOON, record

DAYS = 3
apply_retention = functools.partial(retention.apply_retention, live=False)
CUTOFF = datetime(2026, 5, 11, tzinfo=UTC)


async def test_events_before_the_cutoff_go_with_all_that_was_derived_from_them(
    database: Database, look: asyncpg.Connection
) -> None:
    await store_days(database, look, [CUTOFF - timedelta(microseconds=1), CUTOFF, NOON])

    removed = await apply_retention(database, NOON, DAYS)

    assert removed is not None
    assert removed.cutoff == CUTOFF
    assert await look.fetchval("SELECT min(occurred_at) FROM events") == CUTOFF
    assert await look.fetchval("SELECT count(*) FROM events") == 2
    assert await look.fetchval("SELECT min(bucket) FROM event_rollups") == CUTOFF
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 86400") == 2
    assert await look.fetchval("SELECT min(first_at) FROM audience_segments") == CUTOFF


async def test_days_with_a_partition_are_dropped_whole(database: Database, look: asyncpg.Connection) -> None:
    for day in range(6):
        await ensure_partitions(database, NOON - timedelta(days=day), 0)
    await store_days(database, look, [NOON - timedelta(days=day) for day in range(6)])

    removed = await apply_retention(database, NOON, DAYS)

    assert removed is not None
    assert removed.partitions == ["events_20260508", "events_20260509", "events_20260510"]
    assert "events_default" not in removed.rows
    assert await look.fetchval("SELECT count(*) FROM events") == 4


async def test_an_id_is_known_for_as_long_as_its_event_is_kept(
    database: Database, look: asyncpg.Connection
) -> None:
    """Stored a day before its own time, and sent again on the last day on which it is kept."""
    event = record(occurred_at=NOON)
    store = EventStore(database, "facebook")
    await store.write([event])
    await look.execute("UPDATE event_ledger SET stored_at = $1", NOON - timedelta(days=1))
    last_day = NOON + timedelta(days=DAYS)

    await apply_retention(database, last_day, DAYS)

    assert (await store.write([event])).duplicates == 1
    assert await look.fetchval("SELECT count(*) FROM events") == 1


async def test_the_ledger_forgets_ids_whose_events_are_gone(
    database: Database, look: asyncpg.Connection
) -> None:
    await store_days(database, look, [NOON])
    await look.execute("UPDATE event_ledger SET stored_at = $1", NOON)

    removed = await apply_retention(database, NOON + timedelta(days=DAYS + 3), DAYS)

    assert removed is not None
    assert removed.rows["event_ledger"] == 1
    assert await look.fetchval("SELECT count(*) FROM event_ledger") == 0


async def test_a_day_is_removed_once_and_by_one_process(open_database: OpenDatabase) -> None:
    databases = [await open_database() for _ in range(3)]

    runs = await asyncio.gather(*(apply_retention(database, NOON, DAYS) for database in databases))

    assert sum(run is not None for run in runs) == 1
    assert await apply_retention(databases[0], NOON, DAYS) is None
    assert await apply_retention(databases[0], NOON + timedelta(days=1), DAYS) is not None


async def test_a_process_that_died_half_way_is_followed_by_another(
    database: Database, look: asyncpg.Connection
) -> None:
    await store_days(database, look, [NOON - timedelta(days=30)])
    await look.execute("UPDATE retention_state SET claimed_until = now() + interval '1 minute'")
    assert await apply_retention(database, NOON, DAYS) is None

    await look.execute("UPDATE retention_state SET claimed_until = now()")

    assert await apply_retention(database, NOON, DAYS) is not None
    assert await look.fetchval("SELECT count(*) FROM events") == 0


async def test_a_long_report_makes_it_give_up_and_nobody_wait(
    database: Database, look: asyncpg.Connection, open_database: OpenDatabase
) -> None:
    await ensure_partitions(database, NOON - timedelta(days=10), 0)
    await store_days(database, look, [NOON - timedelta(days=10)])
    async with look.transaction():
        await look.fetch("SELECT count(*) FROM events")

        removing = asyncio.create_task(apply_retention(database, NOON, DAYS))
        writer = EventStore(await open_database(), "facebook")
        async with asyncio.timeout(20):
            while not removing.done():
                await writer.write([record()])
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            await removing

    await look.execute("UPDATE retention_state SET claimed_until = now()")
    removed = await apply_retention(database, NOON, DAYS)
    assert removed is not None
    assert removed.partitions == ["events_20260503", "events_20260504"]


@pytest.mark.exhaustive
async def test_tables_that_lose_a_day_and_gain_a_day_stay_as_large_as_they_were(
    database: Database, look: asyncpg.Connection
) -> None:
    """Vacuum frees what retention removed; here by hand, in operation by itself."""
    sizes: list[int] = []
    for day in range(16):
        today = NOON + timedelta(days=day)
        await look.execute(
            "INSERT INTO event_ledger SELECT gen_random_uuid(), $1 FROM generate_series(1, 20000)", today
        )
        await apply_retention(database, today, DAYS)
        await look.execute("VACUUM event_ledger")
        sizes.append(int(await look.fetchval("SELECT pg_total_relation_size('event_ledger')") or 0))
    assert sizes[-1] < 1.1 * sizes[8]


async def store_days(database: Database, look: asyncpg.Connection, moments: Sequence[datetime]) -> None:
    """An event at each of these times, each written on its own."""
    store = EventStore(database, "facebook")
    for moment in moments:
        await store.write([record(occurred_at=moment)])


async def test_what_is_removed_is_taken_off_the_live_counters(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook", asyncio.Event())
    await store.write([record(occurred_at=CUTOFF - timedelta(hours=1)), record(occurred_at=NOON)])

    await retention.apply_retention(database, NOON, DAYS, live=True)

    changes = await look.fetch("SELECT changes->'events' AS events FROM live_updates ORDER BY id")
    assert changes[-1]["events"] == '[["checkout.complete", "20260510", -1]]'
