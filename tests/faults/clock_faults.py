"""Clocks that jump, and what was sent more than a day ago is sent again."""

import re
import tempfile
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from tests.faults import questions
from tests.faults.fault import Fault, Scene
from tests.faults.system import wait_for
from tests.processes import Process

HOUR = 3600.0
_LAG = re.compile(
    r"^(consumer_lag_seconds|consumer_lag_events|event_end_to_end_seconds_sum)\S* (\S+)$", re.MULTILINE
)
_CLOCK_SECONDS = 5.0
_START_SECONDS = 30.0


class Clocks:
    """The clocks of some processes, which have been started anew for it."""

    def __init__(self, processes: list[Process], file: Path) -> None:
        self._processes = processes
        self._file = file

    def set(self, seconds: float) -> None:
        """So far from the true time, in all of them; returns when they have noticed."""
        told = f'"seconds": {float(seconds)}}}'
        before = [self._count(told, process) for process in self._processes]
        self._file.write_text(str(float(seconds)))

        def problem() -> str | None:
            late = [
                process.name
                for process, count in zip(self._processes, before, strict=True)
                if self._count(told, process) == count
            ]
            return f"not noticed by {late}" if late else None

        wait_for("the clocks", problem, _CLOCK_SECONDS)

    def _count(self, told: str, process: Process) -> int:
        return process.log.read_text(errors="replace").count(told)


@contextmanager
def shifted(scene: Scene) -> Generator[Clocks]:
    """Gateways and collectors with a clock that we hold. Afterwards they are plain again, by an orderly restart."""
    processes = [*scene.system.gateways, *scene.system.all_collectors]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clock"
        file.write_text("0")
        try:
            _restart(scene, processes, "tests.faults.skewed", str(file))
            yield Clocks(processes, file)
        finally:
            _restart(scene, processes)


def _restart(scene: Scene, processes: list[Process], *wrapper: str) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        status = process.wait()
        assert status == 0, f"{process.name} ended with status {status}"
        process.wrap(*wrapper)
    scene.system.launch(*processes)
    for process in processes:
        process.wait_ready(_START_SECONDS)


def _jumps(scene: Scene) -> None:
    with shifted(scene) as clocks:
        for hours in (1, -1, 0):
            clocks.set(hours * HOUR)
            _accepts(scene)
            scene.last(0.5)
            _no_negative_lag(scene)
            _lag_is_believable(scene)
        _progress_is_of_now(scene)
        scene.over()


def _accepts(scene: Scene) -> None:
    before = scene.load.statuses["202"]
    wait_for(
        "answers", lambda: None if scene.load.statuses["202"] > before + 20 else "too few 202", _START_SECONDS
    )


def _no_negative_lag(scene: Scene) -> None:
    for process in scene.system.all_collectors:
        with urllib.request.urlopen(f"{process.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own process
            text = answer.read().decode()
        found = dict(_LAG.findall(text))
        assert len(found) == 3, f"{process.name} does not tell its lag: {found}"
        negative = {name: value for name, value in found.items() if float(value) < 0}
        assert not negative, f"{process.name} tells a negative lag: {negative}"


def _lag_is_believable(scene: Scene) -> None:
    """What a reader of reports is told. The reporter's own clock is right, and so is NATS's."""

    def problem() -> str | None:
        url = f"{scene.system.reporters[0].url}/reports/events"
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own process
            lag = float(answer.headers["X-Data-Lag-Seconds"])
        return None if 0 <= lag < 30 else f"reports tell a lag of {lag} s"

    wait_for("a lag that can be believed", problem, _CLOCK_SECONDS)


def _progress_is_of_now(scene: Scene) -> None:
    """What was told while the clock was ahead must not stand until the true time has come there."""

    async def ask(connection: asyncpg.Connection) -> list[asyncpg.Record]:
        return await connection.fetch(
            "SELECT source, extract(epoch FROM now() - observed_at)::float8 AS age FROM collector_progress"
        )

    def problem() -> str | None:
        rows = questions.in_postgres(scene.system.postgres.url, ask)
        wrong = {row["source"]: round(row["age"], 1) for row in rows if not -2 < row["age"] < 5}
        return f"the progress is as old as this (seconds): {wrong}" if wrong else None

    wait_for("the progress of now", problem, _CLOCK_SECONDS)


def _a_day_later(scene: Scene) -> None:
    with shifted(scene) as clocks:
        clocks.set(25 * HOUR)
        accepted = scene.load.send_again()
        assert accepted, "nothing was accepted again"
        scene.note(f"{accepted} events accepted again 25 h later")
        clocks.set(0)
        scene.over()


FAULTS = [
    Fault(
        "clock jumps of an hour",
        "the clocks of all gateways and collectors go forward an hour, back two, and right again",
        "nothing lost; no lag is negative or absurd; times of events are their own",
        _jumps,
        limit_seconds=30,
    ),
    Fault(
        "duplicates after 25 hours",
        "gateways and collectors believe that 25 hours have passed, and what was answered before is sent again",
        "accepted, and known to the ledger",
        _a_day_later,
        limit_seconds=30,
    ),
]
