"""Removes what is older than RETENTION_DAYS: partitions whole, everything else in slices that nobody waits for.

What is older means days of UTC by the event's own time. The ledger goes by the time of storing, and later than the
events: an id must be known for as long as its event is kept, and an event's own time may be up to a day ahead of that.
"""

import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import msgspec

from pipeline.store.database import Database
from pipeline.store.live_updates import delete_rollups

_LEDGER_MARGIN = timedelta(days=2)
_SLICE_ROWS = 5000
_SLICE_BLOCKS = 256

# A function of the database (prisma/migrations/*_partition_functions). Behind a long report it would wait, and
# everybody else would wait behind it: so it gives up soon, and is tried again with the next run.
_DROP = "SELECT drop_events_partition($1) AS dropped"

_CLAIM = """
UPDATE retention_state SET claimed_until = now() + interval '2 minutes'
WHERE cutoff < $1::timestamptz AND claimed_until < now()
"""
_RENEW = "UPDATE retention_state SET claimed_until = now() + interval '2 minutes'"
_FINISH = """
UPDATE retention_state SET cutoff = greatest(cutoff, $1::timestamptz), claimed_until = '-infinity'
"""

_OLD_PARTITIONS = """
SELECT relname::text AS name
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'events'::regclass AND relname ~ '^events_[0-9]{8}$'
  AND to_date(right(relname, 8), 'YYYYMMDD') < $1::date
ORDER BY relname
"""

# Each finds its rows by an index and takes so many at a time.
_SLICES: dict[str, LiteralString] = {
    "events_default": """
        DELETE FROM events_default WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM events_default WHERE occurred_at < $1::timestamptz LIMIT $2::integer))
    """,
    "audience_segments": """
        DELETE FROM audience_segments WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM audience_segments
            WHERE tstzrange(first_at, last_at, '[]') << tstzrange($1::timestamptz, NULL) LIMIT $2::integer))
    """,
    "audience_buckets": """
        DELETE FROM audience_buckets WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM audience_buckets
            WHERE bucket < $1::timestamptz AND bucket_seconds IN (60, 3600, 86400) LIMIT $2::integer))
    """,
}

# The ledger has no index that leads to its old rows one by one (its keys are hashes, so that it stays narrow), but a
# BRIN index that tells whether there are any. They are removed in one walk over its pages.
_OLD_IDS = "SELECT EXISTS (SELECT FROM event_ledger WHERE stored_at < $1::timestamptz) AS found"
_LEDGER_BLOCKS = """
SELECT (pg_relation_size('event_ledger') / current_setting('block_size')::bigint)::integer AS blocks
"""
_LEDGER_SLICE = """
DELETE FROM event_ledger
WHERE ctid >= $2::text::tid AND ctid < $3::text::tid AND stored_at < $1::timestamptz
"""


class Retention(msgspec.Struct, frozen=True):
    """What one run removed: everything before `cutoff`. `rows` is by table."""

    cutoff: datetime
    partitions: list[str]
    rows: dict[str, int]


async def apply_retention(database: Database, now: datetime, days: int, *, live: bool) -> Retention | None:
    """Removes events that happened before the last `days` whole days of UTC, and all that was derived from them.

    `live` says whether there are live counters, as for the event store: what is removed is taken off them. None when
    that is done already, or another process is at it. Safe at once from many processes, and after one that died
    half-way. Raises StoreUnavailable; the next run goes on where this one stopped.
    """
    cutoff = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    if not await database.execute(_CLAIM, cutoff.isoformat()):
        return None
    partitions = await _drop_partitions(database, cutoff)
    rows: dict[str, int] = {}
    for table, sql in _SLICES.items():
        rows[table] = await _in_slices(
            database, functools.partial(database.execute, sql, cutoff.isoformat(), _SLICE_ROWS)
        )
    rows["event_rollups"] = await _in_slices(
        database, functools.partial(delete_rollups, database, cutoff, _SLICE_ROWS, live=live)
    )
    rows["event_ledger"] = await _prune_ledger(database, cutoff - _LEDGER_MARGIN)
    await database.execute(_FINISH, cutoff.isoformat())
    return Retention(cutoff, partitions, {table: count for table, count in rows.items() if count})


async def _drop_partitions(database: Database, cutoff: datetime) -> list[str]:
    names = [str(row["name"]) for row in await database.query(_OLD_PARTITIONS, cutoff.date().isoformat())]
    for name in names:
        await database.query(_DROP, name)
        await database.execute(_RENEW)
    return names


async def _in_slices(database: Database, delete_slice: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while True:
        deleted = await delete_slice()
        total += deleted
        if deleted < _SLICE_ROWS:
            return total
        await database.execute(_RENEW)


async def _prune_ledger(database: Database, cutoff: datetime) -> int:
    if not (await database.query(_OLD_IDS, cutoff.isoformat()))[0]["found"]:
        return 0
    blocks = int((await database.query(_LEDGER_BLOCKS))[0]["blocks"])
    total = 0
    for begin in range(0, blocks, _SLICE_BLOCKS):
        first, last = f"({begin},0)", f"({begin + _SLICE_BLOCKS},0)"
        total += await database.execute(_LEDGER_SLICE, cutoff.isoformat(), first, last)
        await database.execute(_RENEW)
    return total
