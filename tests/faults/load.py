"""The load: valid events of both sources, some bad ones, and many that are sent again, to every gateway in turn.

Bodies and their order follow from the seed. Nothing is retried in the dark: what is sent again after an answer, or
after none, is another entry in the ledger. A gateway that refuses the connection was sent nothing, so the body goes
to the next one. What is under way is bounded; what does not fit is not sent, and counted.
"""

import asyncio
import hashlib
import random
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from publisher.account import Account
from publisher.answers import REJECTED, UNKNOWN, Outcome, no_answer, outcome_of
from publisher.bodies import Body, BodyMaker
from publisher.connection import NoAnswer
from publisher.generator import Generator, Mix
from publisher.pool import Connections, Timeouts
from tests.faults.background import Background
from tests.faults.ledger import Ledger

SPREAD_SECONDS = 600.0
_TICK_SECONDS = 0.05
_SINGLES_A_TICK = 3
_SIZES = (20, 100, 300, 900)
_BODIES_AT_ONCE = 128
_ANSWER_SECONDS = 8.0
_AGAIN_AFTER_ANSWER = 0.01
_AGAIN_AFTER_NONE = 0.3
_ALLOWED = frozenset(("202", "400", "503", "refused", "reset", "timeout"))


class Load:
    """Sends from `start` on, at `rate` events a second, until `stop`. All methods are for another thread."""

    def __init__(self, background: Background, gateways: Sequence[str], *, seed: int, rate: float) -> None:
        self.rate = rate
        self.ledger = Ledger()
        # The account enters verdicts by `record`, which both ledgers have.
        self.account = Account(None, self.ledger)  # pyright: ignore[reportArgumentType]
        self.statuses: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}
        """Seconds until the slowest answer of a kind, since `watch`."""
        self.unasked: list[str] = []
        """Answers that no fault excuses."""
        self.rejected: Counter[bytes] = Counter()
        """Digests of the bad events that an answer named: each must be a dead letter."""
        self.expected_letters: set[bytes] = set()
        """Raw events that collectors must dead-letter, because they were published past the gateway."""
        self.held_back = 0
        self.accepted_at = [0.0] * len(gateways)
        """When each gateway accepted something last, on the monotonic clock."""
        self.began_ms = int(time.time() * 1000)
        self._background = background
        self._rng = random.Random(f"load {seed}")
        generator = Generator(
            seed, Mix(returning_users=0.3, out_of_order=0.02, spread_seconds=SPREAD_SECONDS)
        )
        self._arrays = BodyMaker(generator, seed, malformed_ratio=0.2, duplicate_ratio=0.02)
        self._singles = BodyMaker(
            generator, seed + 1, malformed_ratio=0.05, duplicate_ratio=0.05, single=True
        )
        self._answered: deque[Body] = deque(maxlen=50)
        self._unanswered: deque[Body] = deque(maxlen=100)
        self._senders = background.call(lambda: self._connect(gateways))
        self._under_way = [0] * len(gateways)
        self._turn = 0
        self._size = 0
        self._due = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, or goes on after `stop`."""

        async def start() -> None:
            if self._running is None:
                self._running = asyncio.create_task(self._run())

        self._background.call(start)

    def stop(self) -> None:
        """Returns when everything that is under way has its answer, or will get none."""

        async def stop() -> None:
            if self._running is not None:
                self._running.cancel()
                await asyncio.wait({self._running})
                if not self._running.cancelled():
                    self._running.result()  # a defect of the load must not look like silence
                self._running = None
            if self._tasks:
                await asyncio.wait(self._tasks)

        self._background.call(stop, 3 * _ANSWER_SECONDS)

    def watch(self, window: int) -> None:
        """From now on entries belong to this window, and the slowest answers are looked for anew."""
        self.ledger.window = window
        self.slowest.clear()

    def send_again(self) -> int:
        """The bodies that were answered last, once more. Returns how many events were accepted again."""

        async def send_again() -> int:
            before = self.account.totals.accepted
            bodies, gateway = list(self._answered), self._turn
            await asyncio.gather(*(self._deliver(body, gateway) for body in bodies))
            return self.account.totals.accepted - before

        return self._background.call(send_again)

    def enter(self, ids: bytes, verdict: int) -> None:
        """Events that came in another way than by us, 16 bytes of id each."""

        async def enter() -> None:
            count = len(ids) // 16
            self.ledger.record(ids, bytes(count), bytes([verdict]) * count)

        self._background.call(enter)

    async def _connect(self, gateways: Sequence[str]) -> list[Connections]:
        timeouts = Timeouts(connect=2.0, answer=_ANSWER_SECONDS)
        return [
            Connections(f"{url}/events", {}, limit=_BODIES_AT_ONCE, timeouts=timeouts) for url in gateways
        ]

    async def _run(self) -> None:
        due_at = time.monotonic()
        while True:
            due_at += _TICK_SECONDS
            # What could not be sent in time is not caught up with: that would be a flood after each pause.
            due_at = max(due_at, time.monotonic() - 1.0)
            await asyncio.sleep(due_at - time.monotonic())
            for body in self._bodies():
                gateway = self._free_gateway()
                if gateway is None:
                    self.held_back += len(body)
                    continue
                task = asyncio.create_task(self._deliver(body, gateway))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _bodies(self) -> Iterator[Body]:
        """What one tick sends: some single events, and arrays as soon as there are enough events due for one."""
        rng = self._rng
        self._due += self.rate * _TICK_SECONDS
        for stock, chance in ((self._answered, _AGAIN_AFTER_ANSWER), (self._unanswered, _AGAIN_AFTER_NONE)):
            if stock and rng.random() < chance:
                again = stock.popleft()
                self._due -= len(again)
                yield again
        first_ns = time.time_ns()
        singles = min(_SINGLES_A_TICK, max(0, int(self._due)))
        self._due -= singles
        covers = int(_TICK_SECONDS * 1e9)
        yield from filter(None, self._singles.make([1] * singles, first_ns, covers))
        while True:
            self._size = self._size or rng.choice(_SIZES)
            if self._due < self._size:
                return
            size, self._size = self._size, 0
            self._due -= size
            yield from filter(None, self._arrays.make([size], first_ns, covers))

    def _free_gateway(self) -> int | None:
        for _ in self._senders:
            self._turn = (self._turn + 1) % len(self._senders)
            if self._under_way[self._turn] < _BODIES_AT_ONCE:
                return self._turn
        return None

    async def _deliver(self, body: Body, gateway: int) -> None:
        started = time.monotonic()
        self.account.sent(body)
        outcome, kind = await self._post(body, gateway)
        seconds = time.monotonic() - started
        self.statuses[kind] += 1
        self.slowest[kind] = max(seconds, self.slowest.get(kind, 0.0))
        if kind not in _ALLOWED:
            self.unasked.append(f"{kind}: {outcome.problem[:200]}")
        self.account.settle(body, outcome, seconds)
        if body.corrupted is not None and outcome.verdicts[-1] == REJECTED:
            self.rejected[hashlib.md5(body.corrupted.raw, usedforsecurity=False).digest()] += 1
        (self._unanswered if UNKNOWN in outcome.verdicts else self._answered).append(body)

    async def _post(self, body: Body, gateway: int) -> tuple[Outcome, str]:
        for offset in range(len(self._senders)):
            number = (gateway + offset) % len(self._senders)
            self._under_way[number] += 1
            try:
                response = await self._senders[number].post(body.payload)
            except NoAnswer as failure:
                if failure.kind != "refused" or offset == len(self._senders) - 1:
                    return no_answer(str(failure), len(body)), failure.kind
            else:
                if response.status == 202:
                    self.accepted_at[number] = time.monotonic()
                if response.status == 503 and "retry-after" not in response.headers:
                    self.unasked.append("503 without Retry-After")
                return outcome_of(response.status, response.body, len(body)), str(response.status)
            finally:
                self._under_way[number] -= 1
        raise AssertionError("there is a gateway at least")
