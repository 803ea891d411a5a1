"""One run from start to summary: generate, send on time, settle, and verify when asked to."""

import asyncio
import math
import random
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from publisher import pacing
from publisher.account import Account
from publisher.bodies import Body, BodyMaker
from publisher.client import Client
from publisher.generator import Generator
from publisher.ledger import Ledger
from publisher.pacing import Due
from publisher.pool import Connections
from publisher.progress import Observer, Silent
from publisher.settings import Settings, check
from publisher.summary import Summary, Verification, summarize
from publisher.truth import Truth
from publisher.verify import Verifier

_NS = 1_000_000_000
_clock = time.monotonic  # the clock of uvloop has steps of a millisecond


class Run:
    """The state of a run. `stop` ends it early: nothing new is sent, what is under way is waited for."""

    def __init__(self, settings: Settings, observer: Observer | None = None) -> None:
        self.settings = check(settings)
        generator = Generator(settings.seed, settings.mix)
        keep_truth = settings.keep_truth or settings.verify
        self.account = Account(
            Truth(generator.crowd) if keep_truth else None, Ledger() if settings.verify else None
        )
        self._maker = BodyMaker(
            generator,
            settings.seed,
            malformed_ratio=settings.effective_malformed_ratio,
            duplicate_ratio=settings.duplicate_ratio,
            single=settings.rate is not None and settings.batch_size == 1,
        )
        self._observer = observer or Silent()
        self._stopped = asyncio.Event()
        self._start_ns = _start_ns(settings)

    def stop(self) -> None:
        """Ends the run early, cleanly."""
        self._stopped.set()

    async def run(self) -> Summary:
        """Sends, and verifies when asked to. Raises SluiceError when the verification cannot even begin."""
        settings = self.settings
        verifier = Verifier(settings, self._earliest_possible_ms()) if settings.verify else None
        if verifier is not None:
            await verifier.prepare()
            self._start_ns = _start_ns(settings)  # preparing took a while
        headers = {} if settings.api_key is None else {"X-Api-Key": settings.api_key}
        connections = Connections(
            settings.endpoint, headers, limit=settings.max_connections, timeouts=settings.timeouts
        )
        client = Client(connections, retry_deadline_seconds=settings.effective_retry_deadline_seconds)
        started = _clock()
        with self._observer.watching(self.account, client.statuses, settings):
            if settings.rate == 0:
                await self._closed_loop(client)
            else:
                await self._open_loop(client)
        connections.close()
        elapsed = _clock() - started
        verification: Verification | None = None
        if verifier is not None:
            verification = await verifier.verify(self.account, self._observer.note)
        return summarize(settings, self.account, client, elapsed, verification)

    def _earliest_possible_ms(self) -> int:
        """No event of the run happens before."""
        settings = self.settings
        back_seconds = 1.0 if not settings.rate else settings.batch_size / settings.rate
        if settings.mix.out_of_order > 0:
            back_seconds += settings.mix.spread_seconds
        return self._start_ns // 1_000_000 - int(back_seconds * 1000) - 1

    async def _open_loop(self, client: Client) -> None:
        """Every body at its own moment. The next one is generated while waiting for that."""
        started = _clock()
        async with asyncio.TaskGroup() as under_way, aclosing(self._bodies()) as bodies:
            async for due, body in bodies:
                due_at = started + (due.at_seconds or 0.0)
                if not await pacing.until(due_at, _clock, self._stopped):
                    break
                self.account.sent(body)
                under_way.create_task(self._deliver(client, body, due_at))

    async def _closed_loop(self, client: Client) -> None:
        """`concurrency` senders, each with its next body as soon as it has an answer."""
        started = _clock()
        taking = asyncio.Lock()
        duration = math.inf if self.settings.duration_seconds is None else self.settings.duration_seconds

        async def sender(bodies: AsyncGenerator[tuple[Due, Body]]) -> None:
            while not self._stopped.is_set():
                if _clock() - started >= duration:
                    return
                async with taking:
                    taken = await anext(bodies, None)
                if taken is None:
                    return
                self.account.sent(taken[1])
                await self._deliver(client, taken[1], _clock())

        async with aclosing(self._bodies()) as bodies, asyncio.TaskGroup() as senders:
            for _ in range(self.settings.concurrency):
                senders.create_task(sender(bodies))

    async def _deliver(self, client: Client, body: Body, due_at: float) -> None:
        """The latency counts from when the body was due, not from when we got round to sending it."""
        outcome = await client.deliver(body.payload, len(body))
        self.account.settle(body, outcome, _clock() - due_at)
        if outcome.problem:
            self._observer.problem(outcome)

    async def _bodies(self) -> AsyncGenerator[tuple[Due, Body]]:
        for group in pacing.grouped(self._plan()):
            first = group[0]
            covers = sum(due.covers_seconds for due in group)
            if first.at_seconds is None:
                first_ns = time.time_ns() if self.settings.start_ms is None else self._start_ns
            else:
                first_ns = self._start_ns + int((first.at_seconds - first.covers_seconds) * _NS)
            dues = iter(group)
            for body in self._maker.make([due.size for due in group], first_ns, int(covers * _NS)):
                if body is None:
                    await asyncio.sleep(0)  # let answers be read between chunks of generating
                else:
                    yield next(dues), body

    def _plan(self) -> Iterator[Due]:
        settings = self.settings
        if settings.rate is None:
            plan = pacing.firehose(
                random.Random(f"sizes {settings.seed}"), settings.minimum, settings.maximum
            )
        elif settings.rate == 0:
            plan = pacing.unpaced(settings.batch_size)
        else:
            plan = pacing.steady(settings.rate, settings.batch_size)
        return pacing.limited(plan, count=settings.count, duration_seconds=settings.duration_seconds)


def _start_ns(settings: Settings) -> int:
    return time.time_ns() if settings.start_ms is None else settings.start_ms * 1_000_000


async def run(settings: Settings, observer: Observer | None = None) -> Summary:
    """One run of the publisher. Raises ConfigurationError for settings that make no sense."""
    return await Run(settings, observer).run()
