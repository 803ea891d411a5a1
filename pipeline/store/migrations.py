"""Is the database the one that this version was written for?"""

import functools
from pathlib import Path

from pipeline.errors import StoreUnavailable
from pipeline.store.database import Database

_FOLDER = Path(__file__).resolve().parents[2] / "prisma" / "migrations"


async def check_migrated(database: Database) -> str:
    """A readiness check: Postgres answers, and every migration of this version has been applied.

    Raises StoreUnavailable, naming what is missing.
    """
    wanted = _names()
    rows = await database.query(
        "SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL"
    )
    applied = {row["name"] for row in rows}
    missing = [name for name in wanted if name not in applied]
    if missing:
        raise StoreUnavailable(f"the database is not migrated yet: {', '.join(missing)}")
    return f"answers, {len(wanted)} migrations"


@functools.cache
def _names() -> tuple[str, ...]:
    """Prisma names a migration after its folder."""
    return tuple(sorted(path.parent.name for path in _FOLDER.glob("*/migration.sql")))
