"""How people follow a run: a progress bar on a terminal, plain lines in a pipe, one line a minute when
quiet."""

import asyncio
import time
from collections import Counter
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from publisher.account import Account
from publisher.answers import Outcome
from publisher.settings import Settings

REFRESH_SECONDS = 0.25
LINE_SECONDS = 5.0
QUIET_LINE_SECONDS = 60.0
PROBLEM_SECONDS = 10.0


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
        """Of each kind only one now and then: a gateway that is away must not flood the log. All are
        counted."""
        kind = str(outcome.status or outcome.problem.partition(":")[0])
        now = time.monotonic()
        every = QUIET_LINE_SECONDS if self._quiet else PROBLEM_SECONDS
        if now - self._last_shown.get(kind, float("-inf")) >= every:
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


def _state(account: Account, statuses: "Counter[str]") -> str:
    totals = account.totals
    answers = " ".join(f"{status}={count}" for status, count in sorted(statuses.items()))
    judged = f"accepted={totals.accepted} rejected={totals.rejected} unknown={totals.unknown}"
    return f"sent={totals.sent} {judged} {answers}".rstrip()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
