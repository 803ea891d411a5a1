"""The check after a run: has every update become the one record that the documentation promises?"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx

from pipeline.errors import TransientError
from publisher.account import KEPT_OFFENDERS, Account
from publisher.database import open_database, patiently
from publisher.ledger import Offence, Offender
from publisher.reports import Reports, TimeRange
from publisher.senders.sent import SentUpdates
from publisher.senders.stored import read_records
from publisher.senders.update import Expected
from publisher.settings import Settings
from publisher.stored import Queryable
from publisher.summary import Verification

Note = Callable[[str], None]

_NOTE = "each record was compared with the update that it was made of"
_MARGIN_MS = 60_000
"""A time of sending may lie a little after the last update: deliveries are tried again."""


class RecordVerifier:
    """Checks one run of a `source`, whose tokens begin with `prefix`. `database` and `transport` are for tests."""

    def __init__(
        self,
        settings: Settings,
        source: str,
        prefix: str,
        *,
        database: Queryable | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._prefix = prefix
        self._database = database
        self._reports = Reports(settings.reporter, transport)
        self._began_ms = int(time.time()) * 1000

    async def prepare(self) -> None:
        """Before the run. Raises TransientError when the database is away."""
        async with self._open() as database:
            await database.query("SELECT 1 AS one")

    async def verify(self, account: Account, sent: SentUpdates, note: Note) -> Verification:
        """After the run. Never raises because of what it finds or cannot reach: that is an offender."""
        deadline = time.monotonic() + self._settings.verify_timeout_seconds
        offenders, began = list(account.offenders), time.monotonic()
        if account.earliest_ms is None or account.latest_ms is None:
            return Verification(0, 0, 0.0, False, "nothing was sent", len(offenders), offenders)
        latest_ms = max(account.latest_ms, int(time.time() * 1000))
        time_range = min(account.earliest_ms, self._began_ms), latest_ms + _MARGIN_MS
        if account.last_answer_at is not None:
            note("waiting until the reports are complete")
            async with self._reports:
                problem = await self._reports.wait_for(
                    self._source, account.last_answer_at, time_range, deadline
                )
            if problem is not None:
                offenders.append(Offender(Offence.NOT_COMPLETE, f"reports of {self._source}", problem))
        waited = time.monotonic() - began
        note(f"reading back what is stored after {waited:.1f} s")
        stored: Mapping[str, Sequence[Expected]] = {}
        try:
            stored = await patiently(lambda: self._read(time_range), deadline)
            offenders += sent.compare(stored)
        except TransientError as error:
            offenders.append(Offender(Offence.NOT_COMPLETE, "database", str(error)))
        rows, kept = sum(map(len, stored.values())), offenders[:KEPT_OFFENDERS]
        return Verification(rows, 0, round(waited, 3), False, _NOTE, len(offenders), kept)

    async def _read(self, time_range: TimeRange) -> Mapping[str, Sequence[Expected]]:
        async with self._open() as database:
            return await read_records(database, self._source, self._prefix, *time_range)

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Queryable]:
        if self._database is not None:
            yield self._database
            return
        async with open_database(self._settings.database_url or "") as database:
            yield database
