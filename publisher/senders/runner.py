"""One run in the part of a provider, from start to summary."""

import asyncio
import time
from collections.abc import Iterator

from publisher import pacing
from publisher.account import KEPT_OFFENDERS, Account
from publisher.answers import ACCEPTED, REJECTED, Outcome
from publisher.pacing import Due
from publisher.pool import Connections, Timeouts
from publisher.progress import Observer, Silent
from publisher.senders.delivering import Courier, Delivered
from publisher.senders.draft import Tokens
from publisher.senders.sent import SentUpdates, offenders_of
from publisher.senders.settings import DEFAULT_RATE, SenderSettings
from publisher.senders.update import Delivery
from publisher.senders.verify import RecordVerifier
from publisher.settings import Settings, check
from publisher.summary import Summary, Verification, summarize

_clock = time.monotonic


class SenderRun:
    """The state of a run. `stop` ends it early: nothing new is sent, what is under way is brought to its end."""

    def __init__(self, settings: Settings, sender: SenderSettings, observer: Observer | None = None) -> None:
        self.settings = check(settings)
        self.sender = sender
        self.account = Account()
        self.sent = SentUpdates() if settings.verify else None
        self._start_ms = int(time.time() * 1000) if settings.start_ms is None else settings.start_ms
        self._tokens = Tokens(settings.seed, self._start_ms)
        self._maker = sender.provider.maker(settings.seed, self._tokens, sender.ratios)
        self._observer = observer or Silent()
        self._stopped = asyncio.Event()
        self._room = asyncio.Semaphore(settings.concurrency)

    def stop(self) -> None:
        """Ends the run early, cleanly."""
        self._stopped.set()

    async def run(self) -> Summary:
        """Sends, and verifies when asked to. Raises SluiceError when the verification cannot even begin."""
        settings, provider = self.settings, self.sender.provider
        verifier = RecordVerifier(settings, provider.source, self._tokens.prefix) if settings.verify else None
        if verifier is not None:
            await verifier.prepare()
        patience = Timeouts(
            settings.timeouts.connect, min(settings.timeouts.answer, provider.patience_seconds)
        )
        connections = Connections(settings.endpoint, {}, limit=settings.max_connections, timeouts=patience)
        courier = Courier(connections, self.sender)
        started = _clock()
        with self._observer.watching(self.account, courier.statuses, settings):
            await self._send(courier)
        connections.close()
        elapsed = _clock() - started
        verification: Verification | None = None
        if verifier is not None and self.sent is not None:
            verification = await verifier.verify(self.account, self.sent, self._observer.note)
        return summarize(settings, self.account, courier, elapsed, verification)

    async def _send(self, courier: Courier) -> None:
        """With a rate at the moments of the plan, else as fast as answers come back."""
        started = _clock()
        async with asyncio.TaskGroup() as under_way:
            for due in self._plan():
                if due.at_seconds is None:
                    await self._room.acquire()
                elif not await pacing.until(started + due.at_seconds, _clock, self._stopped):
                    break
                if self._stopped.is_set() or self._is_over(started):
                    break
                delivery = self._maker.make(due.size, self._moment_ms(due))
                self._enter_sent(delivery)
                under_way.create_task(self._deliver(courier, delivery, has_room=due.at_seconds is None))

    async def _deliver(self, courier: Courier, delivery: Delivery, *, has_room: bool) -> None:
        try:
            delivered = await courier.deliver(delivery)
        finally:
            if has_room:
                self._room.release()
        self._enter_ended(delivery, delivered)
        if delivered.problem:
            self._observer.problem(Outcome(delivered.status, b"", [], delivered.problem))

    def _plan(self) -> Iterator[Due]:
        settings = self.settings
        rate = DEFAULT_RATE if settings.rate is None else settings.rate
        plan = self._unlimited(rate)
        return pacing.limited(plan, count=settings.count, duration_seconds=settings.duration_seconds)

    def _unlimited(self, rate: float) -> Iterator[Due]:
        at_seconds = 0.0
        while True:
            size = self._maker.size(self.settings.batch_size)
            yield Due(at_seconds if rate else None, size)
            at_seconds += size / rate if rate else 0.0

    def _is_over(self, started: float) -> bool:
        duration = self.settings.duration_seconds
        return duration is not None and _clock() - started >= duration

    def _moment_ms(self, due: Due) -> int:
        """When a delivery is sent, as its provider would write it: with a start of its own on a clock of its own."""
        if self.settings.start_ms is None:
            return int(time.time() * 1000)
        return self._start_ms + (
            self.account.totals.sent if due.at_seconds is None else int(due.at_seconds * 1000)
        )

    def _enter_sent(self, delivery: Delivery) -> None:
        totals, account = self.account.totals, self.account
        size = len(delivery.updates)
        totals.sent += size
        totals.duplicates += delivery.repeats + delivery.lost_answers * size
        totals.corrupted += size - delivery.good
        times = [each.expected.at_ms for each in delivery.updates if each.expected and each.expected.at_ms]
        times.append(delivery.sent_at * 1000)
        account.earliest_ms = min([*times, account.earliest_ms or times[0]])
        account.latest_ms = max([*times, account.latest_ms or times[0]])

    def _enter_ended(self, delivery: Delivery, delivered: Delivered) -> None:
        totals, account = self.account.totals, self.account
        totals.posts += delivered.attempts
        totals.bytes += delivered.bytes
        size, good = len(delivery.updates), delivery.good
        if delivered.verdict == ACCEPTED:
            totals.accepted += good
            totals.rejected += size - good
        elif delivered.verdict == REJECTED:
            totals.rejected += size
        else:
            totals.unknown += size
        if delivered.status:
            account.latencies.add(delivered.seconds)
            account.last_answer_at = time.time()
        account.offenders.extend(offenders_of(delivery, delivered))
        del account.offenders[KEPT_OFFENDERS:]
        if self.sent is not None:
            self.sent.record(delivery, delivered)
