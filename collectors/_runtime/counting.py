"""Keeps the live counters of a source up to date: from the updates in Postgres to Redis.

It works beside collecting and never in its way: what it cannot do now waits in Postgres, and what waits for too long is
given up, because the counters can be built anew. Every collector of a source does this; the script in Redis sees to it
that each update counts once, whoever brings it.
"""

import asyncio
import random
from typing import Literal

from collectors._runtime.counting_telemetry import CountingTelemetry, Reason
from pipeline.chassis.tracing import TracedOccasion, following
from pipeline.errors import LiveUnavailable, SluiceError, StoreUnavailable
from pipeline.live import LiveConnection, LiveCounters, LiveSettings, rebuild
from pipeline.live.counters import Standing
from pipeline.store.live_updates import LiveUpdates

Turn = Literal["done", "more", "held"]

_UPDATES_AT_ONCE = 500
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_HELD_PAUSE_SECONDS = 0.05


class CounterKeeper:
    """One collector's part in the counters of its source. `news` is set by the event store after each commit.

    The connection is its own, and closed at the end.
    """

    def __init__(
        self,
        connection: LiveConnection,
        counters: LiveCounters,
        updates: LiveUpdates,
        settings: LiveSettings,
        news: TracedOccasion,
        telemetry: CountingTelemetry,
    ) -> None:
        self._connection = connection
        self._counters = counters
        self._updates = updates
        self._settings = settings
        self._news = news
        self._telemetry = telemetry
        self._standing: Standing | None = None
        self._problem = "no turn yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Turns until told to stop, and closes the connection. What is left then waits for the next collector."""
        try:
            await self._run(stop)
        finally:
            await self._connection.close()

    async def _run(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.create_task(stop.wait())
        failure_pause = _FIRST_PAUSE_SECONDS
        while not stop.is_set():
            started = loop.time()
            self._news.clear()
            try:
                with following(self._news.take_origins(), "tell live counters"):
                    turn = await self._turn()
            except SluiceError as error:
                self._standing = None
                self._problem = str(error)
                pause = failure_pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
                failure_pause = min(failure_pause * 2, _LONGEST_PAUSE_SECONDS)
                self._telemetry.waiting(error, pause)
                await self._bound_backlog()
                await asyncio.wait({stopping}, timeout=pause)
                continue
            failure_pause = _FIRST_PAUSE_SECONDS
            self._problem = ""
            if turn == "held":
                await asyncio.wait({stopping}, timeout=_HELD_PAUSE_SECONDS)
                continue
            if turn == "done":
                await self._until_news(stopping)
            # The pace is for a stream of small updates; after a pause the next turn begins at once.
            earliest = started + self._settings.live_interval_seconds
            await asyncio.wait({stopping}, timeout=max(0.0, earliest - loop.time()))

    async def check(self) -> str:
        """A readiness check: Redis answers, and the last turn succeeded."""
        answer = await self._connection.ping()
        if self._problem:
            raise LiveUnavailable(self._problem)
        return answer

    async def _turn(self) -> Turn:
        """Applies the next updates. Raises LiveUnavailable or StoreUnavailable: then nothing is known any more."""
        # The order matters: how the counters stand is asked for before the updates are read.
        if self._standing is None:
            standing = await self._counters.standing()
            if standing.condition == "held":
                return "held"
            if standing.condition != "good":
                return await self._rebuild(standing.condition)
            self._standing = standing
        pending = await self._updates.settle(self._standing.told, _UPDATES_AT_ONCE)
        if pending.epoch != self._standing.epoch:
            return await self._rebuild("outdated")
        self._telemetry.pending(len(pending.updates))
        if not pending.updates:
            self._standing = None  # asked anew at the next look: Redis may be wiped while nothing happens
            return "done"
        outcome, self._standing = await self._counters.apply(self._standing, pending.updates)
        if outcome == "applied":
            self._telemetry.applied(len(pending.updates))
            if not pending.more:
                self._telemetry.pending(0)
                return "done"
            self._telemetry.pending(await self._updates.waiting(self._settings.live_backlog_updates))
            return "more"
        self._standing = None
        if outcome == "damaged":
            return await self._rebuild("damaged")
        return "held" if outcome == "held" else "more"

    async def _rebuild(self, reason: Reason) -> Turn:
        self._standing = None
        made = await rebuild(self._counters, self._updates, self._settings.live_hold_seconds)
        if made is None:
            return "held"
        self._telemetry.rebuilt(reason, made)
        return "more"

    async def _until_news(self, stopping: asyncio.Task[bool]) -> None:
        news = asyncio.create_task(self._news.wait())
        await asyncio.wait(
            {stopping, news}, timeout=self._settings.live_poll_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        news.cancel()

    async def _bound_backlog(self) -> None:
        limit = self._settings.live_backlog_updates
        try:
            waiting = await self._updates.waiting(limit + 1)
            self._telemetry.pending(waiting)
            size_limit = self._settings.live_backlog_bytes
            if waiting > limit or await self._updates.waiting_bytes() > size_limit:
                self._telemetry.gave_up(await self._updates.give_up())
        except StoreUnavailable as error:
            # Nothing is added either, so nothing needs a bound.
            self._telemetry.backlog_unknown(error)
