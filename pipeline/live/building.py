"""Builds all counters of a source anew, a piece at a time, and puts them in place of what was there."""

import itertools
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from pipeline.errors import LiveUnavailable
from pipeline.events.changes import Changes
from pipeline.live.building_scripts import BEGIN, DOOM, PLACE, REPLACE, SWEEP
from pipeline.live.connection import LiveConnection, argument
from pipeline.live.layout import Layout
from pipeline.live.operations import HashChange, NumbersChange, ScoresChange, TrendChange, has_expired
from pipeline.live.post_keys import KEPT_TRENDING, TRENDING, trend_scores

NumberT = TypeVar("NumberT", int, float)

_STAGED_SECONDS = 3600
_AT_ONCE = 1000
"""Fields in one command or script: Redis does nothing else meanwhile, which is for a millisecond or two."""
_SECONDS_PER_DAY = 86400


class Build:
    """One build, under a hold: `begin`, then `add` for each piece of all facts, then `finish`.

    What there is of one event type, and of one post, is in one piece. Raises LiveUnavailable, also when the hold was
    lost: then what was staged expires, and the counters are as they were; those with strings are unbuilt.
    """

    def __init__(self, connection: LiveConnection, layout: Layout, keys: Sequence[str], hold: str) -> None:
        self._connection = connection
        self._layout = layout
        self._keys = keys
        self._hold = hold
        self._staging = f"{keys[0]}:staged:{hold}"
        self._staged: dict[str, tuple[str, int | None]] = {}
        self._now = time.time()
        self._landmark = int(self._now) // _SECONDS_PER_DAY
        self._run = ""
        self._placed = 0

    @property
    def keys(self) -> int:
        """How many keys were made so far."""
        return len(self._staged) + self._placed

    async def begin(self) -> None:
        """Strings that are there are doomed: those that are not placed anew are swept at the end."""
        self._run = await self._script(BEGIN, int(bool(self._layout.strings())))
        async for keys in self._strings():
            await self._script(DOOM, _STAGED_SECONDS, argument(keys))

    async def add(self, changes: Changes) -> None:
        """The next piece."""
        trend: dict[str, float] = {}
        for operation in self._layout.operations_of(changes):
            fields = {field: number for field, number in operation.fields.items() if number}
            if not fields or has_expired(operation, self._now):
                continue
            match operation:
                case TrendChange():
                    for post, score in trend_scores(operation, self._landmark).items():
                        trend[post] = trend.get(post, 0.0) + score
                case NumbersChange():
                    await self._place(operation.key, fields)
                case HashChange():
                    await self._stage(operation.key, operation.expires_at, "hset", fields)
                case ScoresChange():
                    await self._stage(operation.key, operation.expires_at, "zadd", fields)
        if trend:
            name = await self._stage(TRENDING, None, "zadd", trend)
            await self._together(lambda pipeline: pipeline.zremrangebyrank(name, 0, -KEPT_TRENDING - 1))

    async def finish(self, epoch: str, told: Iterable[int]) -> None:
        """Puts what was staged in its place, as one step. `told` are the updates that are in it and still wait."""
        async for keys in self._strings():
            await self._script(SWEEP, argument(keys))
        old = [
            key
            for pattern in (*self._layout.hashes(), *self._layout.sorted_sets())
            async for keys in self._connection.key_pages(pattern)
            for key in keys
        ]
        await self._script(
            REPLACE,
            self._run,
            secrets.token_hex(8),
            epoch,
            datetime.now(UTC).isoformat(timespec="seconds"),
            self._landmark,
            argument([str(number) for number in told]),
            argument(old),
            argument([(name, key, expires_at) for key, (name, expires_at) in self._staged.items()]),
        )

    async def _strings(self) -> AsyncGenerator[list[str]]:
        """Those that are there, in pages."""
        for pattern in self._layout.strings():
            async for keys in self._connection.key_pages(pattern):
                yield [key for key in keys if self._layout.number_of(key)]

    async def _place(self, common_name: str, fields: Mapping[str, int]) -> None:
        for part in _parts(fields):
            await self._script(PLACE, common_name, argument(part))
            self._placed += len(part)

    async def _stage(
        self, key: str, expires_at: int | None, command: Literal["hset", "zadd"], fields: Mapping[str, float]
    ) -> str:
        """Returns the name under which it is staged."""
        name, _ = self._staged.setdefault(key, (f"{self._staging}:{len(self._staged)}", expires_at))
        for part in _parts(fields):

            def stage(pipeline: Pipeline, part: dict[str, float] = part) -> None:
                pipeline.zadd(name, part) if command == "zadd" else pipeline.hset(
                    name, mapping=cast("Any", part)
                )
                pipeline.expire(name, _STAGED_SECONDS)

            await self._together(stage)
        return name

    async def _together(self, fill: Callable[[Pipeline], object]) -> None:
        for answer in await self._connection.together(fill):
            if isinstance(answer, RedisError):
                raise LiveUnavailable(f"not staged: {answer}") from answer

    async def _script(self, script: str, *arguments: str | int) -> str:
        answer: str = await self._connection.run(script, self._keys, self._hold, *arguments)
        if answer == "lost":
            raise LiveUnavailable("the counters were not held long enough to be built")
        return answer


def _parts(fields: Mapping[str, NumberT]) -> Iterator[dict[str, NumberT]]:
    items = iter(fields.items())
    while part := dict(itertools.islice(items, _AT_ONCE)):
        yield part
