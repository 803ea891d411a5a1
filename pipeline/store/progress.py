"""How far each source's collectors have come: what `X-Data-Lag-Seconds` is made of."""

from datetime import datetime

from pipeline.store.database import Database

# Several collectors of one source report the same fact; the newest observation wins. None is of the future: a host
# whose clock was an hour ahead for a moment would otherwise have the last word for an hour.
_REPORT = """
INSERT INTO collector_progress AS kept (source, complete_through, observed_at)
VALUES ($1, LEAST($2::timestamptz, clock_timestamp()), LEAST($3::timestamptz, clock_timestamp()))
ON CONFLICT (source) DO UPDATE SET
    complete_through = excluded.complete_through,
    observed_at = excluded.observed_at
WHERE excluded.observed_at > kept.observed_at
"""


async def report_progress(
    database: Database, source: str, complete_through: datetime, observed_at: datetime
) -> None:
    """Notes that everything of the source that was accepted before `complete_through` is stored.

    `observed_at` is when that was found out: an instant at which nothing was waiting is complete through itself.
    """
    await database.execute(_REPORT, source, complete_through.isoformat(), observed_at.isoformat())
