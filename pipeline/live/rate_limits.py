"""How many requests somebody may make: one count for all replicas in Redis, and one of this process without it.

Requests that come in while Redis is asked are asked for together next, so thousands a second cost few round trips.
Who has used up a quota is not asked for again until some of it comes back, so a flood costs Redis nothing.

When Redis does not answer, this process decides alone, by what it has admitted itself; one request a second tries
whether Redis is back. Each replica then admits up to the limit.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from pipeline.chassis.tracing import child, leave
from pipeline.errors import LiveUnavailable
from pipeline.live.connection import LiveConnection
from pipeline.live.rate_script import TAKE
from pipeline.live.rate_windows import SLOTS, Quota, Room, Windows, slot_width_ms

_ASKED_AT_ONCE = 200
_REMEMBERED_KEYS = 20_000
_TRY_AGAIN_SECONDS = 1.0


class RateLimitSettings(msgspec.Struct, frozen=True):
    rate_limit_per_address: int = 100
    """Requests from one address in a window; 0 means any number. IPv6 addresses count by their /64 network."""
    rate_limit_per_user: int = 100
    """Requests of one user in a window; 0 means any number."""
    rate_limit_per_backend: int = 0
    """Requests of one holder of the scope events:write:any in a window, in place of both; 0 means any number."""
    rate_limit_window_seconds: int = 60
    """The length of the window, which slides."""
    rate_limit_timeout_seconds: float = 0.25
    """How long Redis may take to count a request before the process counts by itself."""

    def __post_init__(self) -> None:
        if self.rate_limit_window_seconds < 1:
            raise ValueError("RATE_LIMIT_WINDOW_SECONDS: at least 1")


class Decision(NamedTuple):
    """Whether a request is admitted, and the room of its quotas as far as it is known.

    `shared` is False when this process has decided alone.
    """

    admitted: bool
    rooms: Sequence[Room] = ()
    shared: bool = True


class _Waiting(NamedTuple):
    quotas: Sequence[Quota]
    decision: asyncio.Future[Decision]


class RateLimits:
    """Admits requests. Without a connection all decisions are this process's own. `monotonic` gives seconds."""

    def __init__(
        self,
        window_seconds: int,
        connection: LiveConnection | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.window_seconds = window_seconds
        self._window_ms = window_seconds * 1000
        self._connection = connection
        self._monotonic = monotonic
        self._own = Windows(self._window_ms, _REMEMBERED_KEYS)
        self._used_up: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._waiting: deque[_Waiting] = deque()
        self._asking: asyncio.Task[None] | None = None
        self._away_until: float | None = None

    async def take(self, quotas: Sequence[Quota]) -> Decision:
        """Counts a request when every quota has room for it, and none of them when one has not. Never raises."""
        wanted = [quota for quota in quotas if quota.limit > 0]
        if not wanted:
            return Decision(True)
        tries_again = self._away_until is not None and not self._is_away
        if not tries_again and (refused := self._refused_again(wanted)):
            return refused
        if self._connection is None or self._is_away:
            return self._alone(wanted)
        decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(wanted, decision))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all(self._connection))
        with child("ask for limits"):
            return await decision

    async def check(self) -> str:
        """A readiness check. Raises LiveUnavailable when the limits cannot be shared."""
        if self._connection is None:
            return "not used"
        return await self._connection.ping()

    @property
    def _is_away(self) -> bool:
        """One request tries Redis again after a while; until it has its answer the others do without."""
        if self._away_until is None:
            return False
        return self._asking is not None or self._monotonic() < self._away_until

    def _refused_again(self, quotas: Sequence[Quota]) -> Decision | None:
        rooms: list[Room] = []
        for quota in quotas:
            until = self._used_up.get(quota[:2])
            if until is not None:
                if (left := until - self._monotonic()) > 0:
                    rooms.append(Room(quota, 0, max(1, round(left * 1000))))
                else:
                    del self._used_up[quota[:2]]
        return (
            Decision(False, rooms, self._connection is not None and self._away_until is None)
            if rooms
            else None
        )

    async def _ask_for_all(self, connection: LiveConnection) -> None:
        leave()  # it is for all, and not for the request that began it
        try:
            while self._waiting:
                asked = [self._waiting.popleft() for _ in range(min(len(self._waiting), _ASKED_AT_ONCE))]
                await self._answer(connection, asked)
        finally:
            self._asking = None

    async def _answer(self, connection: LiveConnection, asked: Sequence[_Waiting]) -> None:
        try:
            decisions = await self._ask(connection, [waiting.quotas for waiting in asked])
        except BaseException as error:  # whatever it is, nobody must wait for ever
            for waiting in asked:
                if not waiting.decision.done():
                    waiting.decision.set_exception(error)
            return
        for waiting, decision in zip(asked, decisions, strict=True):
            if not waiting.decision.done():  # else its sender has gone
                waiting.decision.set_result(decision)

    async def _ask(self, connection: LiveConnection, requests: Sequence[Sequence[Quota]]) -> list[Decision]:
        if self._away_until is not None and self._monotonic() < self._away_until:
            return [self._alone(quotas) for quotas in requests]
        keys = [f"rate:{self._window_ms}:{name}:{key}" for quotas in requests for name, key, _ in quotas]
        limits = " ".join(
            str(number) for quotas in requests for number in (len(quotas), *(quota.limit for quota in quotas))
        )
        try:
            answer: str = await connection.run(TAKE, keys, slot_width_ms(self._window_ms), SLOTS, limits)
        except LiveUnavailable:
            self._away_until = self._monotonic() + _TRY_AGAIN_SECONDS
            return [self._alone(quotas) for quotas in requests]
        if self._away_until is not None:  # what was decided alone does not count any more
            self._away_until = None
            self._used_up.clear()
        numbers = map(int, answer.split())
        return [
            self._learned(
                bool(next(numbers)), [Room(quota, next(numbers), next(numbers)) for quota in quotas]
            )
            for quotas in requests
        ]

    def _learned(self, admitted: bool, rooms: Sequence[Room]) -> Decision:
        if admitted:
            self._own.note([room.quota for room in rooms], self._now_ms)
        self._remember_used_up(rooms)
        return Decision(admitted, rooms)

    def _alone(self, quotas: Sequence[Quota]) -> Decision:
        admitted, rooms = self._own.take(quotas, self._now_ms)
        self._remember_used_up(rooms)
        return Decision(admitted, rooms, shared=False)

    def _remember_used_up(self, rooms: Sequence[Room]) -> None:
        for quota, remaining, reset_ms in rooms:
            if remaining == 0:
                self._used_up[quota[:2]] = self._monotonic() + reset_ms / 1000
        while len(self._used_up) > _REMEMBERED_KEYS:
            self._used_up.popitem(last=False)

    @property
    def _now_ms(self) -> int:
        return int(self._monotonic() * 1000)
