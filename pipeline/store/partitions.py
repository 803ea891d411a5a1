"""Partitions of `events`, made ahead of time by whoever comes first."""

from datetime import UTC, datetime, timedelta
from typing import LiteralString, cast

from pipeline.store.database import Database

# Making a partition locks the default one while Postgres checks that none of its rows belongs to the new one. Rows
# that do are moved, in the same transaction, so that no reader ever misses them. One transaction-level advisory
# lock makes the processes that start at the same time take turns. Behind a long report the default partition's lock
# would be waited for, and everybody else would wait behind that: so it gives up soon, and the caller tries again.
_ENSURE = """
DO $do$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sluice.events.partitions'));
    IF to_regclass('{name}') IS NULL THEN
        PERFORM set_config('lock_timeout', '2s', true);
        CREATE TABLE {name} (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
        LOCK TABLE events_default IN ACCESS EXCLUSIVE MODE;
        WITH moved AS (
            DELETE FROM events_default WHERE occurred_at >= '{begin}' AND occurred_at < '{end}' RETURNING *
        )
        INSERT INTO {name} SELECT * FROM moved;
        ALTER TABLE events ATTACH PARTITION {name} FOR VALUES FROM ('{begin}') TO ('{end}');
    END IF;
END
$do$
"""


async def ensure_partitions(database: Database, now: datetime, days_ahead: int) -> None:
    """Makes the partitions of yesterday, today and the next days, where they are missing. Days are UTC days.

    Safe at once from many processes. Raises StoreUnavailable, also when a long report is in the way.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for offset in range(-1, days_ahead + 1):
        begin = today + timedelta(days=offset)
        statement = _ENSURE.format(
            name=f"events_{begin:%Y%m%d}",
            begin=begin.isoformat(),
            end=(begin + timedelta(days=1)).isoformat(),
        )
        # Only dates were filled in: a utility statement takes no parameters.
        await database.execute(cast(LiteralString, statement))
