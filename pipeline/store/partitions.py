"""Partitions of `events`, made ahead of time by whoever comes first."""

from datetime import UTC, datetime, timedelta

from pipeline.store.database import Database

# A function of the database (prisma/migrations/*_partition_functions): whoever stores events need not own their table.
_MAKE = "SELECT make_events_partition($1::date) AS made"


async def ensure_partitions(database: Database, now: datetime, days_ahead: int) -> None:
    """Makes the partitions of yesterday, today and the next days, where they are missing. Days are UTC days.

    Safe at once from many processes. Raises StoreUnavailable, also when a long report is in the way.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for offset in range(-1, days_ahead + 1):
        await database.query(_MAKE, (today + timedelta(days=offset)).date().isoformat())
