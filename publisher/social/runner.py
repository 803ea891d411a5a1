"""One run as a society, from its past to the summary."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from pipeline.errors import PermanentError
from publisher import pacing
from publisher.account import Account
from publisher.answers import Outcome
from publisher.pacing import Due
from publisher.pool import Connections
from publisher.progress import Observer, Silent
from publisher.reports import Reports
from publisher.settings import Settings, check
from publisher.social.action import Action
from publisher.social.alarm import Alarm
from publisher.social.answers import Answered, why_refused
from publisher.social.attack import BotAttack
from publisher.social.books import Books
from publisher.social.delivering import Courier
from publisher.social.ledger import ActionLedger
from publisher.social.requests import Request, RequestMaker
from publisher.social.settings import DEFAULT_RATE, SocialSettings
from publisher.social.society import Society, tag_of
from publisher.social.tokens import Tokens
from publisher.social.verify import SOURCE, SocialVerifier
from publisher.summary import AttackResult, Summary, Verification, summarize

_PAST_BATCH = 200
_PAST_SECONDS = 60.0
_clock = time.monotonic


class Refused(PermanentError):
    """The gateway takes nothing from us, whatever we send."""


class SocialRun:
    """The state of a run. `stop` ends it early: nothing new is sent, what is under way is brought to its end."""

    def __init__(self, settings: Settings, social: SocialSettings, observer: Observer | None = None) -> None:
        self.settings = check(settings)
        self.social = social
        self.account = Account()
        self.ledger = ActionLedger() if settings.verify else None
        self._books = Books(self.account, self.ledger)
        self._start_ms = int(time.time() * 1000) if settings.start_ms is None else settings.start_ms
        tag = tag_of(settings.seed, self._start_ms)
        self.society = Society(settings.seed, tag, social.users, social.malformed_ratio)
        self._maker = RequestMaker(settings.seed, tag, social)
        self._attack = None if social.attack is None else BotAttack(social.attack, self.society)
        self._observer = observer or Silent()
        self._refusal: Answered | None = None
        self._stopped = asyncio.Event()
        self._room = asyncio.Semaphore(settings.concurrency)

    def stop(self) -> None:
        """Ends the run early, cleanly."""
        self._stopped.set()

    async def run(self) -> Summary:
        """Sends, and verifies when asked to. Raises SluiceError when nothing can come of it."""
        settings, social = self.settings, self.social
        async with Reports(settings.reporter) as reports:
            alarm = Alarm(reports, self.society.tag, time.time())
            verifier = SocialVerifier(settings, self.society.tag, reports, alarm) if settings.verify else None
            if verifier is not None:
                await verifier.prepare()
            if self._attack is not None:
                await alarm.check()
            connections = Connections(
                settings.endpoint, {}, limit=settings.max_connections, timeouts=settings.timeouts
            )
            courier = Courier(connections, Tokens(social.tokens), social.retry_deadline_seconds)
            started = _clock()
            with self._observer.watching(self.account, courier.statuses, settings):
                await self._send_past(courier, reports)
                await self._send(courier)
            connections.close()
            elapsed = _clock() - started
            return await self._conclude(courier, elapsed, alarm, verifier)

    async def _conclude(
        self, courier: Courier, elapsed: float, alarm: Alarm, verifier: SocialVerifier | None
    ) -> Summary:
        totals, note = self.account.totals, self._observer.note
        totals.posts, totals.bytes = courier.posts, courier.bytes
        if courier.by_backend:
            note(
                f"{courier.by_backend} requests of users went by the back end: the limits had no room for them"
            )
        attack, social = self._attack, self.social.attack
        result: AttackResult | None = None
        if attack is not None and social is not None:
            result = await alarm.wait(attack, social.timeout_seconds, note)
        verification: Verification | None = None
        if verifier is not None and self.ledger is not None:
            attacked = attack.post if attack else ""
            verification = await verifier.verify(self.account, self.ledger, attacked, note)
        if attack is not None and result is not None and result.alerts:
            result = await alarm.look(attack)  # there must still be one
        summary = summarize(self.settings, self.account, courier, elapsed, verification)
        return msgspec.structs.replace(summary, attack=result)

    async def _send_past(self, courier: Courier, reports: Reports) -> None:
        """What went before is stored first: who acts afterwards is known by then."""
        actions = self.society.past(self._start_ms * 1000)
        # So much at once would use up the limit of requests of the one address that all users have.
        own_tokens = None if self.social.forwarded_for else 0.0
        while portion := list(islice(actions, _PAST_BATCH)):
            async with asyncio.TaskGroup() as under_way:
                for request in self._maker.make(portion, own_tokens=own_tokens):
                    self._books.sent(request)
                    await self._room.acquire()
                    under_way.create_task(self._deliver(courier, request, has_room=True))
            if self._refusal is not None:
                raise Refused(why_refused(self._refusal))
            if self._stopped.is_set():
                return
        if self._attack is None:
            return
        self._attack.choose_post()
        self._observer.note(
            f"{self.social.users} people and their past are sent; the post is {self._attack.post}"
        )
        last = self.account.last_answer_at or time.time()
        now_ms = int(time.time() * 1000)
        problem = await reports.wait_for(SOURCE, last, (now_ms - 1, now_ms), _clock() + _PAST_SECONDS)
        if problem is not None:
            self._observer.note(f"not all of the past is stored yet: {problem}")

    async def _send(self, courier: Courier) -> None:
        started = _clock()
        async with asyncio.TaskGroup() as under_way:
            if self._attack is not None and self.social.attack is not None:
                begin = started + self.social.attack.after_seconds
                under_way.create_task(self._send_attack(courier, self._attack, begin))
            for due in self._plan():
                if due.at_seconds is None:
                    await self._room.acquire()
                    self._room.release()
                elif not await pacing.until(started + due.at_seconds, _clock, self._stopped):
                    break
                if self._stopped.is_set() or self._is_over(started):
                    break
                at_us = self._moment_us(due)
                actions = [self.society.act(at_us) for _ in range(due.size)]
                await self._start(courier, under_way, actions, is_paced=due.at_seconds is not None)

    async def _send_attack(self, courier: Courier, attack: BotAttack, begin: float) -> None:
        async with asyncio.TaskGroup() as under_way:
            for due in attack.plan():
                if not await pacing.until(begin + (due.at_seconds or 0.0), _clock, self._stopped):
                    return
                likes = attack.likes(due.size, time.time())
                await self._start(courier, under_way, likes, is_paced=True)

    async def _start(
        self, courier: Courier, under_way: asyncio.TaskGroup, actions: Sequence[Action], *, is_paced: bool
    ) -> None:
        """Requests of a paced run overlap when the gateway is slow; without a pace so many are under way at most."""
        for request in self._maker.make(actions):
            if not is_paced:
                await self._room.acquire()
            self._books.sent(request)
            under_way.create_task(self._deliver(courier, request, has_room=not is_paced))

    async def _deliver(self, courier: Courier, request: Request, *, has_room: bool) -> None:
        began = _clock()
        try:
            outcome = await courier.deliver(request)
        finally:
            if has_room:
                self._room.release()
        if outcome.is_refusal:
            self._refusal = self._refusal or outcome
        self._books.ended(request, outcome, _clock() - began)
        if outcome.problem and any(not action.flaw for action in request.actions):
            self._observer.problem(Outcome(outcome.status, b"", [], outcome.problem))

    def _plan(self) -> Iterator[Due]:
        settings = self.settings
        rate = DEFAULT_RATE if settings.rate is None else settings.rate
        plan = pacing.steady(rate, settings.batch_size) if rate else pacing.unpaced(settings.batch_size)
        return pacing.limited(plan, count=settings.count, duration_seconds=settings.duration_seconds)

    def _is_over(self, started: float) -> bool:
        duration = self.settings.duration_seconds
        return duration is not None and _clock() - started >= duration

    def _moment_us(self, due: Due) -> int:
        """When actions happen: with a start of its own on a clock of its own."""
        if self.settings.start_ms is None:
            return time.time_ns() // 1000
        elapsed = self.account.totals.sent * 1000 if due.at_seconds is None else int(due.at_seconds * 1e6)
        return self._start_ms * 1000 + elapsed
