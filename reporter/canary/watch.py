"""The canaries of all sources: two loops, the ages, and the readiness check."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping

from pipeline.chassis.concurrency import first_of
from pipeline.chassis.supervision import Loop
from pipeline.errors import ConfigurationError, StoreUnavailable, TransientError
from pipeline.events.canary import SENDER_DIGITS
from pipeline.events.vocabulary import Vocabulary
from pipeline.store import Database
from reporter.canary.finding import CanaryFinder
from reporter.canary.flights import Flights
from reporter.canary.sending import CanarySender
from reporter.canary.settings import CanarySettings
from reporter.canary.telemetry import CanaryTelemetry

_FIRST_LOOK_SECONDS = 0.1
_LOOK_SECONDS = 2.0


class CanaryLate(TransientError):
    """What events are sent now may be long in coming into the reports."""


class CanaryWatch:
    """Sends canaries, looks for them, and tells how old they are."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        settings: CanarySettings,
        database: Database,
        telemetry: CanaryTelemetry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigurationError for a source that does not exist."""
        if unknown := sorted(set(settings.canary_sources) - set(vocabulary.sources)):
            raise ConfigurationError(f"CANARY_SOURCES: there is no source {', '.join(unknown)}")
        self._vocabulary = vocabulary
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        # Another one after each start: nobody else's canaries are taken for ours, and numbers begin anew.
        sender = secrets.token_hex(SENDER_DIGITS // 2)
        self._sender = CanarySender(settings, sender)
        self._finder = CanaryFinder(database, sender)
        always = [name for name, words in vocabulary.sources.items() if words.always_collected]
        self._flights = {name: Flights(clock()) for name in settings.canary_sources or always}
        self._under_way = asyncio.Event()

    @property
    def loops(self) -> Mapping[str, Loop]:
        """To be supervised: looking goes on while the gateway keeps sending waiting."""
        return {"canary-sending": self._send_all, "canary-looking": self._look_on}

    def ages(self) -> Mapping[str, float]:
        """By source, the seconds since the youngest canary that came through was sent."""
        now = self._clock()
        return {name: flights.age(now) for name, flights in self._flights.items()}

    async def check(self) -> str:
        """A readiness check: canaries come through. It asks nobody."""
        limit = self._settings.canary_stale_seconds
        ages = self.ages()
        late = [name for name, age in ages.items() if age > limit]
        if not late:
            return ", ".join(f"{name} {age:.0f} s" for name, age in ages.items())
        reasons = (f"{name} {ages[name]:.0f} s: {self._flights[name].problem}" for name in late)
        raise CanaryLate(f"{'; '.join(reasons)} (CANARY_STALE_SECONDS={limit:g})")

    async def _send_all(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                await asyncio.gather(*(self._send(name) for name in self._due()))
                now = self._clock()
                interval = self._settings.canary_interval_seconds
                pauses = [flights.due(now, interval) for flights in self._flights.values()]
                # A source may get its first collector meanwhile: it is not kept waiting for those that are late.
                await first_of(stop.wait(), timeout_seconds=min([interval, *pauses]))
        finally:
            await self._sender.close()

    def _due(self) -> list[str]:
        now, interval = self._clock(), self._settings.canary_interval_seconds
        return [name for name, flights in self._flights.items() if not flights.due(now, interval)]

    async def _send(self, source: str) -> None:
        flights = self._flights[source]
        number = flights.send(self._clock())
        sending = await self._sender.send(source, number)
        self._telemetry.sent(source, sending)
        if sending.outcome == "accepted":
            flights.accepted(number)
            self._under_way.set()
        else:
            flights.failed(sending.detail)

    async def _look_on(self, stop: asyncio.Event) -> None:
        """Looks often at first, for a canary takes a tenth of a second, and seldom while none comes."""
        pause = _FIRST_LOOK_SECONDS
        while not stop.is_set():
            await self._look()
            if any(flights.are_waited_for for flights in self._flights.values()):
                await first_of(stop.wait(), timeout_seconds=pause)
                pause = min(pause * 2, _LOOK_SECONDS)
                continue
            pause = _FIRST_LOOK_SECONDS
            self._under_way.clear()
            await first_of(stop.wait(), self._under_way.wait())

    async def _look(self) -> None:
        try:
            stored = await self._finder.look()
        except StoreUnavailable as error:
            self._telemetry.could_not_look(error)
            return
        self._telemetry.looked()
        now = self._clock()
        for source, number in stored.items():
            if source in self._vocabulary.sources and not self._settings.canary_sources:
                self._flights.setdefault(source, Flights(now))
            if number is not None and source in self._flights:
                seconds = self._flights[source].found(number, now)
                if seconds is not None:
                    self._telemetry.found(source, seconds)
