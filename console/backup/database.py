"""What a restore asks of the database, and does to it beside pg_restore."""

from typing import Any, LiteralString

from pipeline.errors import StoreUnavailable
from pipeline.store import Database

_HOLDS_EVENTS = "SELECT EXISTS (SELECT FROM event_ledger) AS found"

# What extensions brought stays, and so does what belongs to no schema of ours.
_EMPTY = """
DO $do$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP TABLE IF EXISTS %s CASCADE', pg_class.oid::regclass)
        FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
              AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        UNION ALL
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', pg_proc.oid::regprocedure)
        FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace
              AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    LOOP
        EXECUTE statement;
    END LOOP;
END
$do$
"""

_FACTS = """
SELECT current_setting('server_version') AS postgres,
       coalesce(json_agg(migration_name ORDER BY migration_name), '[]')::text AS migrations
FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL
"""


async def holds_events(database: Database) -> bool:
    """Whether anything was ever stored there. Raises StoreUnavailable."""
    if not await _is_there(database, "SELECT to_regclass('event_ledger') IS NOT NULL AS there"):
        return False
    (row,) = await database.query(_HOLDS_EVENTS)
    return bool(row["found"])


async def facts(database: Database) -> dict[str, Any]:
    """`postgres`, the server's version, and `migrations`, a JSON list of those applied. Raises StoreUnavailable."""
    if not await _is_there(database, "SELECT to_regclass('_prisma_migrations') IS NOT NULL AS there"):
        raise StoreUnavailable("the database was never migrated: there is nothing in it to save")
    (row,) = await database.query(_FACTS)
    return row


async def empty(database: Database) -> None:
    """Drops every table and function of ours. Raises StoreUnavailable, when somebody holds one too."""
    await database.execute(_EMPTY)


async def settle(database: Database) -> int:
    """After a restore: statistics for the planner, and live counters that know that they are wrong.

    Redis may still hold the counters of what happened after the backup. Without an epoch no collector takes them for
    complete, and each builds those of its source anew. Returns how many events there are. Raises StoreUnavailable.
    """
    await database.execute("ANALYZE")
    if await _is_there(database, "SELECT to_regclass('live_epochs') IS NOT NULL AS there"):
        await database.execute("DELETE FROM live_epochs")
    (row,) = await database.query(
        "SELECT coalesce(sum(events), 0)::bigint AS events FROM event_rollups WHERE bucket_seconds = 86400"
    )
    return int(row["events"])


async def _is_there(database: Database, question: LiteralString) -> bool:
    (row,) = await database.query(question)
    return bool(row["there"])
