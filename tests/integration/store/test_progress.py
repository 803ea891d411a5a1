"""How far a source has come: of several collectors' reports the newest observation counts."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from pipeline.store import Database
from pipeline.store.progress import report_progress

NOON = datetime(2025, 5, 14, 12, 0, tzinfo=UTC)  # what is in the future would not be believed
SECOND = timedelta(seconds=1)


async def test_the_newest_observation_is_kept(database: Database, look: asyncpg.Connection) -> None:
    await report_progress(database, "facebook", NOON, NOON)
    await report_progress(database, "tiktok", NOON, NOON)

    await report_progress(database, "facebook", NOON + SECOND, NOON + 2 * SECOND)
    await report_progress(database, "facebook", NOON + 5 * SECOND, NOON + SECOND)  # from a slower process

    rows = await look.fetch("SELECT * FROM collector_progress ORDER BY source")
    assert [tuple(row) for row in rows] == [
        ("facebook", NOON + SECOND, NOON + 2 * SECOND),
        ("tiktok", NOON, NOON),
    ]


async def test_a_newer_observation_may_be_further_behind(
    database: Database, look: asyncpg.Connection
) -> None:
    # A backlog of old batches was delivered again: what was claimed before is taken back.
    await report_progress(database, "facebook", NOON, NOON)

    await report_progress(database, "facebook", NOON - 60 * SECOND, NOON + SECOND)

    row = await look.fetchrow("SELECT complete_through, observed_at FROM collector_progress")
    assert row is not None
    assert tuple(row) == (NOON - 60 * SECOND, NOON + SECOND)


async def test_a_clock_that_is_ahead_does_not_have_the_last_word(
    database: Database, look: asyncpg.Connection
) -> None:
    now = datetime.now(UTC)
    await report_progress(database, "facebook", now + 3600 * SECOND, now + 3600 * SECOND)
    await asyncio.sleep(0.01)
    again = datetime.now(UTC)
    await report_progress(database, "facebook", again - SECOND, again)

    row = await look.fetchrow("SELECT complete_through, observed_at FROM collector_progress")
    assert row is not None
    assert row["complete_through"] == again - SECOND
    assert row["observed_at"] == again
