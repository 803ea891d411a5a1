"""The loops that look after the database's tables. Every collector runs them; who comes first does the work."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from collectors._runtime.settings import CollectorSettings
from pipeline.errors import SluiceError
from pipeline.store import Database
from pipeline.store.partitions import ensure_partitions
from pipeline.store.retention import apply_retention

log = structlog.get_logger()

_PARTITION_INTERVAL = timedelta(hours=1)
_FIRST_RETENTION = timedelta(minutes=1)


async def keep_partitions(stop: asyncio.Event, database: Database, settings: CollectorSettings) -> None:
    """Makes the partitions of the next days. Until one exists its events go to the default partition."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        pause = _PARTITION_INTERVAL
        try:
            await ensure_partitions(database, datetime.now(UTC), settings.partition_days_ahead)
        except SluiceError as error:
            log.warning("partitions_not_ensured", error=str(error))
            pause = timedelta(seconds=settings.retry_max_seconds)
        await asyncio.wait({stopping}, timeout=pause.total_seconds())


async def keep_retention(
    stop: asyncio.Event, database: Database, settings: CollectorSettings, live: bool
) -> None:
    """Removes what is older than RETENTION_DAYS, once for each day that passes. 0 days keep everything.

    `live` says whether there are live counters.
    """
    stopping = asyncio.create_task(stop.wait())
    # Not at once: after a start the collector has a backlog to store.
    pause = min(_FIRST_RETENTION.total_seconds(), settings.retention_interval_seconds)
    while settings.retention_days:
        await asyncio.wait({stopping}, timeout=pause)
        if stop.is_set():
            return
        await _remove_old(database, settings.retention_days, live)
        pause = settings.retention_interval_seconds
    await stopping


async def _remove_old(database: Database, days: int, live: bool) -> None:
    try:
        removed = await apply_retention(database, datetime.now(UTC), days, live=live)
    except SluiceError as error:
        log.warning("retention_not_applied", error=str(error))
        return
    if removed:
        log.info(
            "retention_applied",
            before=removed.cutoff.isoformat(),
            partitions=removed.partitions,
            rows=removed.rows,
        )
