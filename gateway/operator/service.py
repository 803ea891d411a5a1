"""Dead letters for operators. A request works at a bounded number of them, and only one request at a time does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import msgspec

from gateway.operator.answers import DeadLetterCounts, DeadLetterList, DiscardAnswer, ReplayAnswer
from gateway.operator.selection import BulkRequest
from gateway.operator.telemetry import OperatorTelemetry
from pipeline.chassis.problems import Problem
from pipeline.events.dead_letter_view import LetterDetail, detail_of, summary_of
from pipeline.stream import DeadLetterArchive, DeadLetterFilter, Replayer, ReplayTally, UnclearId


class DeadLetterService:
    """Everything raises StreamUnavailable when JetStream is away."""

    def __init__(self, archive: DeadLetterArchive, replayer: Replayer, telemetry: OperatorTelemetry) -> None:
        self._archive = archive
        self._replayer = replayer
        self._telemetry = telemetry
        self._at_work = asyncio.Lock()

    async def counts(self, wanted: DeadLetterFilter) -> DeadLetterCounts:
        """By source and reason."""
        counts = await self._archive.counts(wanted)
        return DeadLetterCounts(sum(count.letters for count in counts), counts)

    async def newest(self, wanted: DeadLetterFilter, limit: int) -> DeadLetterList:
        """Without their bytes."""
        return DeadLetterList([summary_of(letter) for letter in await self._archive.newest(wanted, limit)])

    async def find(self, prefix: str) -> LetterDetail:
        """Raises Problem 404 where there is none, 409 where several ids begin so."""
        try:
            return detail_of(await self._archive.find(prefix))
        except UnclearId as error:
            status, kind = (409, "ambiguous-id") if error.candidates else (404, "not-found")
            raise Problem(status, kind, str(error), errors=list(error.candidates)) from None

    async def replay(self, request: BulkRequest) -> ReplayAnswer:
        """Tries the oldest of those that are meant. Raises Problem 400, 404, 409."""
        async with self._alone():
            now = datetime.now(UTC)
            given = await self._resolve(request.as_bulk_filter())
            until = min(given.failed_before or now, now)
            wanted = msgspec.structs.replace(given, failed_before=until)
            counts = await self._archive.counts(wanted)
            truncated = sum(count.truncated for count in counts)
            total = sum(count.letters for count in counts) - truncated
            wanted = msgspec.structs.replace(wanted, replayable=True)
            replay = self._replayer.replay(wanted, request.limit, dry_run=request.dry_run)
            async with aclosing(replay) as tallies:
                tally = ([so_far async for so_far in tallies] or [ReplayTally()])[-1]
        left = max(0, total - tally.selected)
        if not request.dry_run:
            self._telemetry.replayed(tally.replayed, sum(tally.rejected.values()), left)
        return ReplayAnswer(
            tally.selected, tally.replayed, tally.rejected, truncated, left, until, request.dry_run
        )

    async def discard(self, request: BulkRequest) -> DiscardAnswer:
        """Throws the oldest of those that are meant away. Raises Problem 400, 404, 409."""
        async with self._alone():
            wanted = await self._resolve(request.as_bulk_filter())
            total = (await self.counts(wanted)).total
            if request.dry_run:
                return DiscardAnswer(0, total, dry_run=True)
            async with aclosing(self._archive.discard(wanted, request.limit)) as counts:
                gone = max([so_far async for so_far in counts], default=0)
        left = max(0, total - gone)
        self._telemetry.discarded(gone, left)
        return DiscardAnswer(gone, left, dry_run=False)

    async def _resolve(self, wanted: DeadLetterFilter) -> DeadLetterFilter:
        ids = [(await self.find(prefix)).id for prefix in wanted.ids]
        return msgspec.structs.replace(wanted, ids=tuple(ids))

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        if self._at_work.locked():
            raise Problem(409, "busy", "another replay or discard is at work: try again when it is done")
        async with self._at_work:
            yield
