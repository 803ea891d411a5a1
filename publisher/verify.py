"""The check after a run: is every acknowledged event stored exactly once, and do the reports tell the
truth?

In this order: wait until the reporter says that everything answered so far is in the reports; read back
what is stored and hold it against the ledger; if the time range was ours alone, hold the reports against
the truth.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import httpx

from pipeline.errors import TransientError
from publisher.account import KEPT_OFFENDERS, Account
from publisher.comparison import compare_demographics, compare_events, compare_revenue
from publisher.database import open_database, patiently
from publisher.ledger import Offence, Offender, Stored
from publisher.reports import Reports, TimeRange
from publisher.settings import Settings
from publisher.stored import Queryable, is_empty_from, read_stored
from publisher.summary import Verification
from publisher.templates import SOURCES
from publisher.truth import Truth

Note = Callable[[str], None]


class Verifier:
    """Checks one run. `database` and `transport` are for tests; by default Postgres and the network."""

    def __init__(
        self,
        settings: Settings,
        start_ms: int,
        *,
        database: Queryable | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._start_ms = start_ms
        self._database = database
        self._reports = Reports(settings.reporter, transport)
        self._was_empty = False
        self._deadline = 0.0

    async def prepare(self) -> None:
        """Before the run: is its time range still empty? Raises TransientError when the database is
        away."""
        async with self._open() as database:
            self._was_empty = await is_empty_from(database, self._start_ms)

    async def verify(self, account: Account, note: Note) -> Verification:
        """After the run. Never raises because of what it finds or cannot reach: that is an offender."""
        self._deadline = time.monotonic() + self._settings.verify_timeout_seconds
        offenders = list(account.offenders)
        ledger, truth, began = account.ledger, account.truth, time.monotonic()
        if ledger is None or truth is None or account.earliest_ms is None or account.latest_ms is None:
            return Verification(0, 0, 0.0, False, "nothing was sent", len(offenders), offenders)
        time_range = account.earliest_ms, account.latest_ms + 1
        note("waiting until the reports are complete")
        async with self._reports:
            incomplete = await self._wait_for_reports(account, time_range)
            offenders += incomplete
            waited = time.monotonic() - began
            state = "still not complete" if incomplete else "complete"
            note(f"reports {state} after {waited:.1f} s; reading back what is stored")
            try:
                stored = await patiently(lambda: self._read(time_range), self._deadline)
            except TransientError as error:
                offenders.append(Offender(Offence.NOT_COMPLETE, "database", str(error)))
                return _verification(Stored(), waited, False, "the database is away", offenders)
            note(f"{stored.rows} rows read after {time.monotonic() - began:.1f} s; comparing")
            offenders += ledger.compare(stored)
            reason = self._why_not_compare(stored, ledger.unknown)
            if reason is None:
                offenders += await self._compare_reports(truth, time_range)
        return _verification(stored, waited, reason is None, reason or "", offenders)

    async def _read(self, time_range: TimeRange) -> Stored:
        async with self._open() as database:
            return await read_stored(database, *time_range)

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Queryable]:
        if self._database is not None:
            yield self._database
            return
        async with open_database(self._settings.database_url or "") as database:
            yield database

    async def _wait_for_reports(self, account: Account, time_range: TimeRange) -> list[Offender]:
        """Until everything answered is in the reports of our sources, whatever other sources are doing."""
        if account.last_answer_at is None:
            return []
        for source in SOURCES:
            problem = await self._reports.wait_for(source, account.last_answer_at, time_range, self._deadline)
            if problem is not None:
                return [Offender(Offence.NOT_COMPLETE, f"reports of {source}", problem)]
        return []

    def _why_not_compare(self, stored: Stored, unknown: int) -> str | None:
        """None when the reports of the time range must equal the truth."""
        wanted = self._settings.compare_reports
        if wanted is not None:
            return None if wanted else "not asked for"
        if not self._was_empty:
            return "others had events in this time range before the run"
        if stored.foreign:
            return f"others stored {stored.foreign} events in this time range"
        return f"{unknown} events have no answer" if unknown else None

    async def _compare_reports(self, truth: Truth, time_range: TimeRange) -> list[Offender]:
        try:
            events = (await self._reports.get("/reports/events", time_range)).json()
            revenue = (await self._reports.get("/reports/revenue", time_range)).json()
            demographics = (await self._reports.get("/reports/demographics", time_range)).json()
            return [
                *compare_events(events, truth),
                *compare_revenue(revenue, truth),
                *compare_demographics(demographics, truth),
            ]
        except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
            return [Offender(Offence.NOT_COMPLETE, "reports", f"{type(error).__name__}: {error}")]


def _verification(
    stored: Stored, waited: float, compared: bool, reason: str, offenders: list[Offender]
) -> Verification:
    rows, kept = stored.rows - stored.foreign, offenders[:KEPT_OFFENDERS]
    return Verification(rows, stored.foreign, round(waited, 3), compared, reason, len(offenders), kept)
