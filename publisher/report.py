"""What people see of a run: a progress bar on a terminal, plain lines in a pipe, and the closing
summary."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from publisher.account import Account
from publisher.answers import Outcome
from publisher.settings import Settings
from publisher.summary import Summary

REFRESH_SECONDS = 0.25
LINE_SECONDS = 5.0
QUIET_LINE_SECONDS = 60.0
_PROBLEM_EVERY_SECONDS = 10.0
_SHOWN_OFFENDERS = 20


class Observer(Protocol):
    """Is told how a run goes. A failing one would end the run: it must not raise."""

    def watching(
        self, account: Account, statuses: "Counter[str]", settings: Settings
    ) -> AbstractContextManager[None]: ...

    def problem(self, outcome: Outcome) -> None: ...

    def note(self, text: str) -> None: ...


class Silent:
    """For programs that only want the summary."""

    def watching(
        self, account: Account, statuses: "Counter[str]", settings: Settings
    ) -> AbstractContextManager[None]:
        return nullcontext()

    def problem(self, outcome: Outcome) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class Reporter:
    """Tells people: on a terminal with a bar that moves, elsewhere one line every few seconds."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._last_shown: dict[str, float] = {}

    @contextmanager
    def watching(self, account: Account, statuses: "Counter[str]", settings: Settings) -> Generator[None]:
        lively = self._console.is_terminal and not self._quiet
        follow = self._follow_with_bar if lively else self._follow_with_lines
        task = asyncio.get_running_loop().create_task(follow(account, statuses, settings))
        try:
            yield
        finally:
            task.cancel()

    def problem(self, outcome: Outcome) -> None:
        """Of each kind one in ten seconds: a gateway that is away must not flood the log. All are
        counted."""
        kind = str(outcome.status or outcome.problem.partition(":")[0])
        now = time.monotonic()
        if now - self._last_shown.get(kind, float("-inf")) >= _PROBLEM_EVERY_SECONDS:
            self._last_shown[kind] = now
            answer = f"answered {outcome.status}" if outcome.status else "no answer"
            self.note(f"{answer}: {outcome.problem}")

    def note(self, text: str) -> None:
        self._console.print(f"{_now()} {text}", markup=False, highlight=False, soft_wrap=True)

    async def _follow_with_lines(
        self, account: Account, statuses: "Counter[str]", settings: Settings
    ) -> None:
        interval = QUIET_LINE_SECONDS if self._quiet else LINE_SECONDS
        sent = 0
        while True:
            await asyncio.sleep(interval)  # the pace of the lines
            rate = (account.totals.sent - sent) / interval
            sent = account.totals.sent
            self.note(f"{_state(account, statuses)} rate={rate:.0f}/s")

    async def _follow_with_bar(self, account: Account, statuses: "Counter[str]", settings: Settings) -> None:
        columns = SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Progress(*columns, console=self._console) as progress:
            total = settings.count or settings.duration_seconds
            task = progress.add_task("", total=total)
            started = time.monotonic()
            while True:
                elapsed = time.monotonic() - started
                rate = account.totals.sent / max(elapsed, REFRESH_SECONDS)
                done = account.totals.sent if settings.count else elapsed
                progress.update(
                    task, completed=done, description=f"{rate:,.0f}/s {_state(account, statuses)}"
                )
                await asyncio.sleep(REFRESH_SECONDS)  # the pace of the bar


def show_summary(console: Console, summary: Summary) -> None:
    """The closing summary, and the offenders of a verification that failed."""
    table = Table(title=f"publisher, seed {summary.seed}", show_header=False)
    for name, value in _rows(summary):
        table.add_row(name, value)
    console.print(table)
    found = summary.verification
    if found is None:
        return
    reports = (
        "reports agree with the truth" if found.reports_compared else f"reports not compared: {found.note}"
    )
    if found.passed:
        console.print(f"verified: {found.rows:,} events stored exactly once; {reports}", highlight=False)
        return
    console.print(f"verification FAILED: {found.offender_count:,} offenders", highlight=False)
    for offender in found.offenders[:_SHOWN_OFFENDERS]:
        line = f"  {offender.offence}: {offender.subject} ({offender.detail})"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rows(summary: Summary) -> Iterator[tuple[str, str]]:
    yield "sent", f"{summary.sent:,} events in {summary.posts:,} POSTs, {summary.bytes / 1e6:,.1f} MB"
    yield "took", f"{summary.elapsed_seconds:,.1f} s, {summary.events_per_second:,.0f} events/s"
    yield "accepted", f"{summary.accepted:,}"
    yield "rejected", f"{summary.rejected:,} (corrupted on purpose: {summary.corrupted:,})"
    yield "unknown", f"{summary.unknown:,}"
    yield "duplicates", f"{summary.duplicates:,} sent again on purpose"
    yield "answers", ", ".join(f"{status}: {count:,}" for status, count in summary.answers.items()) or "none"
    yield "retries", f"{summary.retries:,}"
    percentiles = (summary.latency_p50_ms, summary.latency_p95_ms, summary.latency_p99_ms)
    shown = " / ".join("-" if value is None else f"{value:,.1f}" for value in percentiles)
    yield "latency p50 / p95 / p99", f"{shown} ms"


def _state(account: Account, statuses: "Counter[str]") -> str:
    totals = account.totals
    answers = " ".join(f"{status}={count}" for status, count in sorted(statuses.items()))
    judged = f"accepted={totals.accepted} rejected={totals.rejected} unknown={totals.unknown}"
    return f"sent={totals.sent} {judged} {answers}".rstrip()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def console_for(file_is_stdout: bool = True) -> Console:
    """Colours and bars on a terminal only; lines in a pipe are never wrapped to a terminal's width."""
    return Console(file=sys.stdout if file_is_stdout else sys.stderr)
