"""How far a source has come: of several collectors' reports the newest observation counts."""

from datetime import timedelta

import asyncpg

from pipeline.store import Database
from pipeline.store.progress import report_progress
from tests.integration.store.records import NOON

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
