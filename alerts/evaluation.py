"""The loop of the evaluator. There is one at a time; the others wait to take its place."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from alerts.facts import BATCHES_AT_ONCE, Facts
from alerts.lease import Lease
from alerts.likes import LikeJudge, clear_orphans, floors
from alerts.milestones import MilestoneJudge
from alerts.raising import Contested, Raising
from alerts.rule_file import RuleFile
from alerts.settings import AlertSettings
from alerts.sources import SourceJudge, complete_minutes
from alerts.telemetry import AlertTelemetry
from pipeline.chassis.concurrency import first_of
from pipeline.chassis.supervision import Heartbeat
from pipeline.errors import SluiceError, StoreUnavailable, StreamUnavailable
from pipeline.store import Database
from pipeline.stream import StreamConnection
from pipeline.stream.dead_letter_rate import letters_by_minute

_SOURCE = "social"
_PRUNE_SECONDS = 60.0


class Evaluator:
    """Safe in any number of processes at once."""

    def __init__(
        self,
        database: Database,
        connection: StreamConnection,
        rules: RuleFile,
        raising: Raising,
        settings: AlertSettings,
        telemetry: AlertTelemetry,
    ) -> None:
        self._database = database
        self._connection = connection
        self._rules = rules
        self._raising = raising
        self._settings = settings
        self._telemetry = telemetry
        self._lease = Lease(database, settings.alert_lease_seconds, settings.alert_away_hours)
        self._facts = Facts(database)
        self._likes = LikeJudge(self._facts, raising)
        self._milestones = MilestoneJudge(database, raising)
        self._sources = SourceJudge(database, raising)
        self._due_sources = self._due_pruning = 0.0
        self.heartbeat = Heartbeat(settings.alert_stall_after_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """A supervised loop: looks until told to stop, then leaves the place to another."""
        while not stop.is_set():
            more = False
            try:
                holds = await self._lease.take()
                self._telemetry.evaluator(holds)
                if holds:
                    more = await self.turn(datetime.now(UTC))
                self.heartbeat.beat()
            except (SluiceError, Contested) as error:
                self._telemetry.turn_failed(error)
            if not more:
                await first_of(stop.wait(), timeout_seconds=self._settings.alert_interval_seconds)
        self._telemetry.evaluator(False)
        with suppress(StoreUnavailable):  # it ends by itself
            await self._lease.release()

    async def turn(self, at: datetime) -> bool:
        """One look at what has changed. Returns whether there was more than is looked at at once.

        Raises StoreUnavailable or Contested: what was not judged is found again by the next one.
        """
        started = time.monotonic()
        now = int(at.timestamp()) // 60
        oldest = now - self._settings.alert_facts_hours * 60
        rules = self._rules.rules
        batches, late = await self._facts.fold(oldest, now)
        self._telemetry.folded(batches, late)
        open_states = await self._raising.open_states()
        pending = await self._facts.pending(oldest, now, *floors(rules))
        complete = min(now, (await complete_minutes(self._database)).get(_SOURCE, now))
        await self._likes.judge(rules, pending.posts, open_states, oldest, now, complete)
        if pending.facts:
            await self._milestones.judge(rules.milestones, pending.facts, now)
            await self._facts.settle(pending.facts)
        await clear_orphans(self._raising, rules, open_states, now)
        if started >= self._due_sources:
            await self._judge_sources(at, now)
            self._due_sources = started + self._settings.alert_sources_interval_seconds
        if started >= self._due_pruning:
            await self._facts.prune(oldest)
            self._due_pruning = started + _PRUNE_SECONDS
        self._telemetry.turned(time.monotonic() - started)
        return max(batches, len(pending.facts)) >= BATCHES_AT_ONCE

    async def _judge_sources(self, at: datetime, now: int) -> None:
        rules = self._rules.rules.sources
        longest = max((rule.window_minutes for rule in rules), default=0)
        try:
            failures = await letters_by_minute(self._connection, at - timedelta(minutes=longest))
        except StreamUnavailable as error:
            self._telemetry.sources_unknown(error)
            failures = None
        await self._sources.judge(rules, failures, now)
