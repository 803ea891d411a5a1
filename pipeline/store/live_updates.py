"""What Redis has not been told yet: rows that the event store writes in the transaction that they tell of.

The counters of a source are what Postgres retains of it: `RETAINED` sums it up, the event store adds to it, and
`delete_rollups` takes away from it, each with a row that says so. Counters that were built from one snapshot and have
then been told every row exactly once are therefore right, whatever happened in between.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from pipeline.events.changes import Changes, LiveUpdate, Pending
from pipeline.store.database import Database, Query
from pipeline.store.projection import EVENTS_ONLY, Projection

# Rows that somebody tells of twice do no harm; a row that is deleted before it was told would. So only ids that Redis
# is known to have are deleted, in the statement that reads the next ones.
_SETTLE = """
WITH told AS (
    DELETE FROM live_updates WHERE source = $1 AND id = ANY ($2::text::bigint[])
)
, next AS MATERIALIZED (
    SELECT id, changes, row_number() OVER in_order AS number,
           sum(pg_column_size(changes)) OVER in_order - pg_column_size(changes) AS bytes_before
    FROM (SELECT id, changes FROM live_updates
          WHERE source = $1 AND id <> ALL ($2::text::bigint[]) ORDER BY id LIMIT $3::integer + 1) AS waiting
    WINDOW in_order AS (ORDER BY id)
), taken AS (
    SELECT id, changes FROM next WHERE number <= $3::integer AND bytes_before < $4::integer
)
SELECT json_build_object(
    'epoch', (SELECT epoch FROM live_epochs WHERE source = $1),
    'updates', coalesce((SELECT json_agg(taken ORDER BY id) FROM taken), '[]'),
    'more', (SELECT count(*) FROM next) > (SELECT count(*) FROM taken)
)::text AS answer
"""

_OPEN = "INSERT INTO live_epochs (source) VALUES ($1) ON CONFLICT DO NOTHING"

_SNAPSHOT = """
SELECT json_build_object(
    'epoch', (SELECT epoch FROM live_epochs WHERE source = $1),
    'waiting', coalesce((SELECT json_agg(id ORDER BY id) FROM live_updates WHERE source = $1), '[]'),
    'events', coalesce((
        SELECT json_agg(json_build_array(event_type, to_char(bucket AT TIME ZONE 'UTC', 'YYYYMMDD'), events))
        FROM (SELECT event_type, bucket, sum(events) AS events FROM event_rollups
              WHERE bucket_seconds = 86400 AND source = $1 GROUP BY 1, 2) AS retained), '[]')
)::text AS answer
"""

_WAITING_UPDATES = """
SELECT json_build_object('id', id, 'changes', changes)::text AS answer
FROM live_updates WHERE source = $1 AND id > $2::text::bigint ORDER BY id LIMIT $3::integer
"""

_WAITING = """
SELECT count(*)::integer AS waiting
FROM (SELECT FROM live_updates WHERE source = $1 LIMIT $2::integer) AS counted
"""

_WAITING_BYTES = """
SELECT coalesce(sum(pg_column_size(changes)), 0)::text AS bytes FROM live_updates WHERE source = $1
"""

_GIVE_UP = """
WITH closed AS (
    DELETE FROM live_epochs WHERE source = $1
)
DELETE FROM live_updates WHERE source = $1
"""

# A day is counted by its buckets of a day; the smaller ones say the same again.
_DELETE_ROLLUPS = """
WITH gone AS (
    DELETE FROM event_rollups WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM event_rollups
        WHERE bucket_seconds IN (1, 60, 3600, 86400) AND bucket < $1::timestamptz LIMIT $2::integer))
    RETURNING bucket_seconds, bucket, source, event_type, events
), days AS (
    SELECT source, event_type, bucket, sum(events) AS events
    FROM gone WHERE bucket_seconds = 86400 GROUP BY 1, 2, 3
), told AS (
    INSERT INTO live_updates (source, changes)
    SELECT source, json_build_object('events', json_agg(
        json_build_array(event_type, to_char(bucket AT TIME ZONE 'UTC', 'YYYYMMDD'), -events)))
    FROM days WHERE $3::boolean GROUP BY source
), untold AS (
    DELETE FROM live_epochs WHERE NOT $3::boolean AND source IN (SELECT source FROM days)
)
SELECT count(*)::integer AS deleted FROM gone
"""


_SETTLED_BYTES = 150_000
"""Of updates as Postgres stores them, at once: what Redis needs some ten milliseconds for."""
_THINGS_AT_ONCE = 5_000
_UPDATES_AT_ONCE = 50
_SNAPSHOT_SECONDS = 900.0


class _Found(msgspec.Struct, frozen=True):
    epoch: str | None
    waiting: list[int]
    events: list[tuple[str, str, int]]


class StoredSnapshot:
    """Postgres as it was at one instant, for as long as the context of `LiveUpdates.snapshot` is open."""

    def __init__(self, query: Query, source: str, projection: Projection, answer: str) -> None:
        self._query = query
        self._source = source
        self._total_facts = projection.total_facts
        found = msgspec.json.decode(answer, type=_Found)
        self.epoch = found.epoch
        self.waiting = found.waiting
        self._events = Changes(found.events)

    async def totals(self) -> AsyncGenerator[Changes]:
        """All that is stored, in pieces of bounded size."""
        yield self._events
        last = "" if self._total_facts else None
        while last is not None:
            [row] = await self._query(self._total_facts, last, _THINGS_AT_ONCE)
            last = row["last"]
            yield msgspec.json.decode(row["changes"], type=Changes)

    async def updates(self) -> AsyncGenerator[LiveUpdate]:
        """The updates that wait, oldest first."""
        last = 0
        while rows := await self._query(_WAITING_UPDATES, self._source, str(last), _UPDATES_AT_ONCE):
            for row in rows:
                update = msgspec.json.decode(row["answer"], type=LiveUpdate)
                yield update
                last = update.id


class LiveUpdates:
    """The updates of one source. Safe from any number of processes at once. All of it raises StoreUnavailable."""

    def __init__(self, database: Database, source: str, projection: Projection = EVENTS_ONLY) -> None:
        self._database = database
        self._source = source
        self._projection = projection

    async def settle(self, told: Sequence[int], limit: int) -> Pending:
        """Deletes the updates that Redis has been told of, and returns the next ones: at most so many, and fewer when
        they are large."""
        ids = "{" + ",".join(map(str, told)) + "}"
        [row] = await self._database.query(_SETTLE, self._source, ids, limit, _SETTLED_BYTES)
        return msgspec.json.decode(row["answer"], type=Pending)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[StoredSnapshot]:
        """All that the counters are made of, at one instant. What is committed meanwhile is not in it."""
        async with self._database.at_one_instant(_SNAPSHOT_SECONDS) as query:
            [row] = await query(_SNAPSHOT, self._source)
            yield StoredSnapshot(query, self._source, self._projection, row["answer"])

    async def open_epoch(self) -> None:
        """From now on no row goes missing, or the epoch ends. Needed before a snapshot that is built from."""
        await self._database.execute(_OPEN, self._source)

    async def waiting(self, limit: int) -> int:
        """How many updates wait, counted up to the limit."""
        [row] = await self._database.query(_WAITING, self._source, limit)
        return int(row["waiting"])

    async def waiting_bytes(self) -> int:
        """How much room the updates take that wait."""
        [row] = await self._database.query(_WAITING_BYTES, self._source)
        return int(row["bytes"])

    async def give_up(self) -> int:
        """Deletes all updates that wait, and the epoch with them: the counters must be built anew.

        Returns how many there were.
        """
        return await self._database.execute(_GIVE_UP, self._source)


async def delete_rollups(database: Database, before: datetime, limit: int, *, live: bool) -> int:
    """Deletes up to `limit` rollup rows of buckets that begin earlier, and takes their events off the live counters.

    `live` says whether there are live counters, as for the event store. Returns how many rows it deleted. Raises
    StoreUnavailable: then it is unknown whether they were, and calling it again finds out.
    """
    [row] = await database.query(_DELETE_ROLLUPS, before.isoformat(), limit, live)
    return int(row["deleted"])
