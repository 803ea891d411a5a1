"""`python -m bench.reports`: how fast the three reports are with five million events stored, and with ten times that.

It starts a Postgres and a reporter of its own, fills the database (bench/report_data.py), waits until the audience is
folded, and asks over HTTP. `cold` is the first request of a range. `repeated` asks the same range again, as a dashboard
does; `moving` asks a range that begins at another instant each time, so that no answer can be remembered.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from bench.report_data import START, History, fill, multiply
from ops.local import database, prisma_cli, servers
from ops.local.ports import choose_free
from ops.local.waiting import wait_until

REQUESTS = 30
READY_SECONDS = 60.0
FOLD_SECONDS = 1_800.0
_CUT = timedelta(hours=10, minutes=17, seconds=23, microseconds=456_789)
REPORTS = ("events", "revenue", "demographics")

Bounds = tuple[datetime | None, datetime | None]


def main() -> None:
    """Builds, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--hours", type=float, default=720.0, help="time that the events spread over")
    parser.add_argument(
        "--times", type=int, default=10, help="length of the simulated history; 1 leaves it out"
    )
    options = parser.parse_args()
    history = History(options.events, timedelta(hours=options.hours))
    settings = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "8GB"}
    with tempfile.TemporaryDirectory() as folder:
        folder_path = Path(folder)
        folder_path.chmod(0o755)
        with servers.running(servers.postgres(folder_path, settings=settings)) as postgres:
            url = database.with_name(postgres.url, "bench")
            database.ensure(url)
            database.migrate(url)
            fill(url, history)
            with reporter(url) as client:
                wait_until_folded(url)
            with reporter(url) as client:
                print(f"\n{history.events:,} events over {history.span}")
                measure(client, history)
            if options.times > 1:
                multiply(url, history, options.times)
                with reporter(url) as client:
                    print(f"\n{history.events * options.times:,} events simulated")
                    measure(client, history)


def measure(client: httpx.Client, history: History) -> None:
    """Prints a line per report and range."""
    # Of each source half of the events are in, so this many events are a bit under the exact limit.
    exact = history.span * min(1.0, 1_800_000 / history.events) * 0.9
    middle = START + history.span / 3
    ranges: dict[str, Bounds] = {
        "whole": (None, None),
        "cut": (START + _CUT * (history.span / timedelta(days=30)), history.end - history.span / 97),
        "exact users": (middle, min(middle + exact, history.end)),
    }
    print(f"{'report':13} {'range':12} {'cold':>8} {'repeated':>9} {'p95':>8} {'moving':>8} {'p95':>8}   ms")
    for name, (starts, ends) in ranges.items():
        for report in REPORTS:
            cold = ask(client, report, (starts, ends))
            repeated = [ask(client, report, (starts, ends)) for _ in range(REQUESTS)]
            moving: list[float] = []
            if starts is not None and ends is not None:
                step = history.span / 100_003
                moving = [ask(client, report, (starts + step * n, ends)) for n in range(1, REQUESTS // 2)]
            print(f"{report:13} {name:12} {cold:8.1f} {shown(repeated)} {shown(moving)}")


def shown(times: list[float]) -> str:
    """Median and 95th percentile, or dashes."""
    if not times:
        return f"{'-':>8} {'-':>8}"
    return f"{statistics.median(times):8.1f} {statistics.quantiles(times, n=20)[-1]:8.1f}"


def ask(client: httpx.Client, report: str, bounds: Bounds) -> float:
    """One report over HTTP; milliseconds."""
    names = zip(("from", "to"), bounds, strict=True)
    started = time.perf_counter()
    answer = client.get(f"/reports/{report}", params={name: at.isoformat() for name, at in names if at})
    milliseconds = (time.perf_counter() - started) * 1000
    assert answer.status_code == 200, answer.text
    return milliseconds


@contextmanager
def reporter(url: str) -> Generator[httpx.Client]:
    """A reporter as a process of its own, ready."""
    port = choose_free()
    environment = {**os.environ, **prisma_cli.environment(), "DATABASE_URL": url, "PORT": str(port)}
    command = [sys.executable, "-m", "reporter"]
    with subprocess.Popen(command, env=environment | {"LOG_LEVEL": "warning"}) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
                _wait_until_ready(client, process)
                yield client
        finally:
            process.terminate()


def _wait_until_ready(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    def problem() -> str | None:
        if process.poll() is not None:
            raise RuntimeError("the reporter ended")
        try:
            status = client.get("/health/ready").status_code
        except httpx.TransportError as error:
            return str(error)
        return None if status == 200 else f"HTTP {status}"

    wait_until("reporter", problem, READY_SECONDS)


def wait_until_folded(url: str) -> None:
    """Returns when no segment waits and no bucket is stale."""
    started = time.perf_counter()
    unfinished = (
        "SELECT (SELECT count(*) FROM audience_segments WHERE NOT folded)"
        " + (SELECT count(*) FROM audience_buckets WHERE stale_since IS NOT NULL)"
    )

    def problem() -> str | None:
        waiting = int(database.statement(url, unfinished))
        print(f"\r{waiting:,} segments and buckets wait   ", end="", flush=True)
        return f"{waiting:,} segments and buckets wait" if waiting else None

    wait_until("the fold", problem, FOLD_SECONDS)
    print(f"\rfolded in {time.perf_counter() - started:.0f} s" + " " * 30)


if __name__ == "__main__":
    main()
