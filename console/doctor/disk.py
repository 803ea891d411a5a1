"""Is there room?"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from console.doctor.ports import LOOPBACK
from console.doctor.result import Result, failed, ok, warning
from console.doctor.surroundings import ROOT, Surroundings
from console.words import size
from pipeline.errors import StreamUnavailable
from pipeline.stream import StreamSettings

_DAYS_LEFT_FAILED, _DAYS_LEFT_WARNING = 2, 14
_RESERVE_BYTES = 1024**3


async def disk(surroundings: Surroundings) -> Iterable[Result]:
    """The streams have room up to their limits, and the database for the days that come."""
    folder = _existing(ROOT / surroundings.settings.sluice_data_dir)
    free = shutil.disk_usage(folder).free
    settings = surroundings.load(StreamSettings)
    held = await _held_by_streams(surroundings)
    return judge_disk(free, settings.events_max_bytes + settings.dead_letters_max_bytes, held, folder)


def _existing(folder: Path) -> Path:
    """The folder, or the first above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.exists())


async def _held_by_streams(surroundings: Surroundings) -> int:
    try:
        return sum(fill.bytes for fill in (await surroundings.streams.fills()).values())
    except StreamUnavailable:
        return 0  # then they are counted as if they still had to grow to their limits


def judge_disk(free: int, limits: int, held: int, folder: Path) -> Iterator[Result]:
    """`limits` is what the streams may hold together, `held` what they hold already. All in bytes."""
    wanted = max(0, limits - held)
    found = f"{size(free)} free at {folder}; the streams may still take {size(wanted)}"
    if free < _RESERVE_BYTES:
        yield from failed("disk", found, "Make room now: a full disk stops NATS and Postgres.")
    elif free < wanted + _RESERVE_BYTES:
        advice = "Make room, or lower EVENTS_MAX_BYTES: a full stream is a clean 503, a full disk is not."
        yield from warning("disk", found, advice)
    else:
        yield from ok("disk", found)


_GROWTH = """
SELECT coalesce(sum(events) FILTER (WHERE bucket >= now() - interval '8 days' AND bucket < date_trunc('day', now())), 0)
           ::float8 AS recent_events,
       count(DISTINCT bucket) FILTER (WHERE bucket >= now() - interval '8 days' AND bucket < date_trunc('day', now()))
           ::int AS recent_days,
       coalesce(sum(events), 0)::float8 AS events,
       count(DISTINCT bucket)::int AS days,
       pg_database_size(current_database())::float8 AS bytes
FROM event_rollups
WHERE bucket_seconds = 86400
"""


async def growth(surroundings: Surroundings) -> Iterable[Result]:
    """How long the disk lasts at the rate of the last week, when Postgres is on this machine."""
    host = urlsplit(surroundings.environ.get("DATABASE_URL", "")).hostname
    folder = _existing(ROOT / surroundings.settings.sluice_data_dir)
    if host not in LOOPBACK:
        return []
    (row,) = await surroundings.query(_GROWTH)
    events, days = row["recent_events"], row["recent_days"]
    per_day = events / days * (row["bytes"] / row["events"]) if days and row["events"] else 0.0
    retention = int(surroundings.environ.get("RETENTION_DAYS") or 90)
    still_growing_days = max(0, retention - row["days"]) if retention else None
    return judge_growth(shutil.disk_usage(folder).free, per_day, still_growing_days, int(row["bytes"]))


def judge_growth(
    free: int, bytes_per_day: float, still_growing_days: int | None, database: int
) -> Iterator[Result]:
    """`still_growing_days` is how long nothing is removed yet, because nothing is old enough; None for ever."""
    found = f"the database holds {size(database)}"
    if not bytes_per_day:
        yield from ok("growth", f"{found}; there are no whole days yet to tell its growth from")
        return
    found = f"{found} and grows by {size(round(bytes_per_day))} a day"
    days_left = (free - _RESERVE_BYTES) / bytes_per_day
    if still_growing_days is not None and days_left > still_growing_days:
        yield from ok("growth", f"{found}, until RETENTION_DAYS begin to remove as much")
        return
    found, advice = (
        f"{found}: the disk lasts {max(0, int(days_left))} days",
        "Make room, or lower RETENTION_DAYS.",
    )
    if days_left < _DAYS_LEFT_FAILED:
        yield from failed("growth", found, advice)
    elif days_left < _DAYS_LEFT_WARNING:
        yield from warning("growth", found, advice)
    else:
        yield from ok("growth", found)
