"""Canaries are stored by the statement that stores events, and leave nothing behind but their own row."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from collectors.registry import SOURCES
from pipeline.errors import StoreUnavailable
from pipeline.events.canary import ArrivedCanary
from pipeline.store import Database, EventStore
from pipeline.store.projections import PROJECTIONS
from tests.integration.store.conftest import OpenDatabase
from tests.integration.store.records import record

A, B = "a" * 16, "b" * 16


def canary(number: int, sender: str = A, at: datetime | None = None) -> ArrivedCanary:
    return ArrivedCanary(sender, number, at or datetime.now(UTC) - timedelta(seconds=1))


async def rows(look: asyncpg.Connection) -> list[tuple[str, str, int]]:
    found = await look.fetch("SELECT source, sender, number FROM pipeline_canaries ORDER BY 1, 2")
    return [tuple(row) for row in found]


async def sizes(look: asyncpg.Connection) -> Mapping[str, Any]:
    """Rows of every table but the canaries' own, and of every one that notes what was given out."""
    tables = await look.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace "
        "AND relname <> 'pipeline_canaries'"
    )
    return {table: await look.fetchval(f"SELECT count(*) FROM {table}") for (table,) in tables}


@pytest.mark.parametrize("source", SOURCES)
async def test_a_canary_changes_no_other_table_whatever_its_source(
    database: Database, look: asyncpg.Connection, source: str
) -> None:
    projection = PROJECTIONS[SOURCES[source].projection]
    news, notices = asyncio.Event(), asyncio.Event()
    store = EventStore(database, source, news, projection, notices)
    before = await sizes(look)

    await store.write_canaries([canary(1)])
    await store.write_canaries([canary(2)])

    assert await rows(look) == [(source, A, 2)]
    assert await sizes(look) == before
    assert not news.is_set()
    assert not notices.is_set()


async def test_the_events_that_are_stored_meanwhile_are_told_as_ever(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook", asyncio.Event())
    await store.write([record(), record()])
    before = await sizes(look)

    await store.write_canaries([canary(1)])

    assert await sizes(look) == before
    assert (before["event_ledger"], before["live_updates"]) == (2, 1)


async def test_one_that_is_delivered_again_or_late_changes_nothing(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")
    await store.write_canaries([canary(7)])
    before = await look.fetch("SELECT * FROM pipeline_canaries")

    await store.write_canaries([canary(7)])
    await store.write_canaries([canary(3), canary(6)])

    assert await look.fetch("SELECT * FROM pipeline_canaries") == before


async def test_of_several_in_one_batch_the_youngest_of_each_sender_counts(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")

    await store.write_canaries([canary(2), canary(9, B), canary(5), canary(4), canary(8, B)])

    assert await rows(look) == [("facebook", A, 5), ("facebook", B, 9)]


async def test_the_sources_do_not_see_each_others(database: Database, look: asyncpg.Connection) -> None:
    await EventStore(database, "facebook").write_canaries([canary(2)])
    await EventStore(database, "tiktok").write_canaries([canary(1)])

    assert await rows(look) == [("facebook", A, 2), ("tiktok", A, 1)]


async def test_none_was_sent_in_the_future(database: Database, look: asyncpg.Connection) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=5)

    await EventStore(database, "facebook").write_canaries([canary(1, at=ahead)])

    assert await look.fetchval("SELECT sent_at <= clock_timestamp() FROM pipeline_canaries")


async def test_senders_that_are_silent_for_an_hour_leave_no_row(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")
    for number in range(50):
        await store.write_canaries([canary(1, f"{number:016x}")])
    await EventStore(database, "tiktok").write_canaries([canary(1, B)])
    await look.execute("UPDATE pipeline_canaries SET stored_at = stored_at - interval '61 minutes'")

    await store.write_canaries([canary(1), canary(2, f"{7:016x}")])

    assert await rows(look) == [("facebook", f"{7:016x}", 2), ("facebook", A, 1), ("tiktok", B, 1)]


async def test_writers_that_store_the_same_at_once_agree(
    open_database: OpenDatabase, look: asyncpg.Connection
) -> None:
    stores = [EventStore(await open_database(), "facebook") for _ in range(3)]
    senders = [f"{number:016x}" for number in range(20)]
    await look.executemany(
        "INSERT INTO pipeline_canaries VALUES ('facebook', $1, 9, now(), now() - interval '2 hours')",
        [(f"{number:016x}",) for number in range(100, 150)],
    )

    await asyncio.gather(
        *(
            store.write_canaries([canary(number, sender) for sender in senders])
            for number in range(1, 11)
            for store in stores
        )
    )

    assert await rows(look) == [("facebook", sender, 10) for sender in senders]


async def test_it_waits_where_events_wait(open_database: OpenDatabase, look: asyncpg.Connection) -> None:
    """What a canary of its own statement would not notice: a table of the events cannot be written to."""
    store = EventStore(await open_database(database_statement_timeout_seconds=0.5), "facebook")
    async with look.transaction():
        await look.execute("LOCK TABLE event_rollups IN SHARE MODE")
        with pytest.raises(StoreUnavailable):
            await store.write_canaries([canary(1)])

    await store.write_canaries([canary(1)])

    assert await rows(look) == [("facebook", A, 1)]
