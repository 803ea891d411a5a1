"""The clock, and how many connections there may be."""

import resource
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from console.doctor.result import Result, ok, warning
from console.doctor.surroundings import Surroundings

_OPEN_FILES = 4096
_SKEW_SECONDS = 1.0


async def clock_of_postgres(surroundings: Surroundings) -> Iterable[Result]:
    """This machine and Postgres agree on the time."""
    before = time.time()
    (row,) = await surroundings.query("SELECT extract(epoch FROM clock_timestamp())::float8 AS now")
    return judge_clock("Postgres", row["now"], before, time.time())


async def clock_of_nats(surroundings: Surroundings) -> Iterable[Result]:
    """This machine and NATS agree on the time."""
    if "EVENTS" not in await surroundings.streams.fills():
        return []
    before = time.time()
    theirs = await surroundings.streams.server_time()
    return judge_clock("NATS", theirs.timestamp(), before, time.time())


def judge_clock(name: str, theirs: float, before: float, after: float) -> Iterator[Result]:
    """Their clock was read some time between our `before` and `after` (seconds since 1970)."""
    skew = theirs - after if theirs > after else theirs - before if theirs < before else 0.0
    if abs(skew) > _SKEW_SECONDS:
        ours = datetime.fromtimestamp(after, UTC)
        found = f"{name} is {timedelta(seconds=round(abs(skew)))} {'ahead of' if skew > 0 else 'behind'} this machine"
        advice = (
            f"Have both synchronised by NTP (here it is {ours:%Y-%m-%d %H:%M:%S} UTC): lags would be wrong."
        )
        yield from warning("clock", found, advice)
    else:
        yield from ok("clock", f"{name} and this machine agree within a second")


def open_files(_: Surroundings) -> Iterable[Result]:
    """A connection is an open file."""
    return judge_open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def judge_open_files(limit: int) -> Iterator[Result]:
    """The limit for what is started from this shell; -1 is none."""
    if 0 <= limit < _OPEN_FILES:
        advice = f"ulimit -n {_OPEN_FILES * 16} before ./start.sh, or LimitNOFILE of the service."
        yield from warning("open files", f"at most {limit}: no more connections at once than that", advice)
    else:
        yield from ok("open files", "no limit" if limit < 0 else f"at most {limit:,}")
