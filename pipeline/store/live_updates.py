"""What Redis has not been told yet: rows that the event store writes in the transaction that they tell of.

The counters of a source are what Postgres retains of it: `RETAINED` sums it up, the event store adds to it, and
`delete_rollups` takes away from it, each with a row that says so. Counters that were built from one snapshot and have
then been told every row exactly once are therefore right, whatever happened in between.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from pipeline.events.changes import Pending, Snapshot
from pipeline.store.database import Database

# Rows that somebody tells of twice do no harm; a row that is deleted before it was told would. So only ids that Redis
# is known to have are deleted, in the statement that reads the next ones.
_SETTLE = """
WITH told AS (
    DELETE FROM live_updates WHERE source = $1 AND id = ANY ($2::text::bigint[])
)
SELECT json_build_object(
    'epoch', (SELECT epoch FROM live_epochs WHERE source = $1),
    'updates', coalesce((SELECT json_agg(next) FROM (
        SELECT id, changes FROM live_updates
        WHERE source = $1 AND id <> ALL ($2::text::bigint[]) ORDER BY id LIMIT $3::integer) AS next), '[]')
)::text AS answer
"""

_OPEN = "INSERT INTO live_epochs (source) VALUES ($1) ON CONFLICT DO NOTHING"

# One statement sees one instant: a transaction is in the totals and among the updates, or in neither.
_SNAPSHOT = """
SELECT json_build_object(
    'epoch', (SELECT epoch FROM live_epochs WHERE source = $1),
    'totals', json_build_object('events', coalesce((
        SELECT json_agg(json_build_array(event_type, to_char(bucket AT TIME ZONE 'UTC', 'YYYYMMDD'), events))
        FROM (SELECT event_type, bucket, sum(events) AS events FROM event_rollups
              WHERE bucket_seconds = 86400 AND source = $1 GROUP BY 1, 2) AS retained), '[]')),
    'updates', coalesce((SELECT json_agg(waiting) FROM (
        SELECT id, changes FROM live_updates WHERE source = $1 ORDER BY id) AS waiting), '[]')
)::text AS answer
"""

_WAITING = """
SELECT count(*)::integer AS waiting
FROM (SELECT FROM live_updates WHERE source = $1 LIMIT $2::integer) AS counted
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


class LiveUpdates:
    """The updates of one source. Safe from any number of processes at once. All of it raises StoreUnavailable."""

    def __init__(self, database: Database, source: str) -> None:
        self._database = database
        self._source = source

    async def settle(self, told: Sequence[int], limit: int) -> Pending:
        """Deletes the updates that Redis has been told of, and returns the next ones."""
        ids = "{" + ",".join(map(str, told)) + "}"
        [row] = await self._database.query(_SETTLE, self._source, ids, limit)
        return msgspec.json.decode(row["answer"], type=Pending)

    async def snapshot(self) -> Snapshot:
        """All that the counters are made of, at one instant."""
        [row] = await self._database.query(_SNAPSHOT, self._source)
        return msgspec.json.decode(row["answer"], type=Snapshot)

    async def open_epoch(self) -> None:
        """From now on no row goes missing, or the epoch ends. Needed before a snapshot that is built from."""
        await self._database.execute(_OPEN, self._source)

    async def waiting(self, limit: int) -> int:
        """How many updates wait, counted up to the limit."""
        [row] = await self._database.query(_WAITING, self._source, limit)
        return int(row["waiting"])

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
