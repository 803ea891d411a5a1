"""Builds all counters of a source anew, a piece at a time, and puts them in place of what was there."""

import itertools
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from pipeline.errors import LiveUnavailable
from pipeline.events.changes import Changes
from pipeline.live.building_scripts import ADD, BEGIN, DOOM, REPLACE, SWEEP
from pipeline.live.connection import LiveConnection, argument
from pipeline.live.layout import Layout
from pipeline.live.operations import HashChange, NumbersChange, ScoresChange, TrendChange, has_expired
from pipeline.live.post_keys import KEPT_TRENDING, TRENDING, trend_scores

_STAGED_SECONDS = 3600
_AT_ONCE = 2000
"""Fields in one script: Redis does nothing else meanwhile, which is for some milliseconds."""
_SECONDS_PER_DAY = 86400

_Part = tuple[Literal["numbers", "hash", "scores", "trend"], str, Mapping[str, float]]


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
        await self._walk(DOOM, _STAGED_SECONDS)

    async def add(self, changes: Changes) -> None:
        """The next piece."""
        trend: dict[str, float] = {}
        parts: list[_Part] = []
        for operation in self._layout.operations_of(changes):
            fields = {field: number for field, number in operation.fields.items() if number}
            if not fields or has_expired(operation, self._now):
                continue
            match operation:
                case TrendChange():
                    for post, score in trend_scores(operation, self._landmark).items():
                        trend[post] = trend.get(post, 0.0) + score
                case NumbersChange():
                    parts.append(("numbers", operation.key, fields))
                    self._placed += len(fields)
                case HashChange():
                    parts.append(("hash", self._name(operation.key, operation.expires_at), fields))
                case ScoresChange():
                    parts.append(("scores", self._name(operation.key, operation.expires_at), fields))
        if trend:
            parts.append(("trend", self._name(TRENDING, None), trend))
        for some in _grouped(parts):
            await self._script(ADD, _STAGED_SECONDS, KEPT_TRENDING, argument(some))

    async def finish(self, epoch: str, told: Iterable[int]) -> None:
        """Puts what was staged in its place, as one step. `told` are the updates that are in it and still wait."""
        await self._walk(SWEEP)
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

    def _name(self, key: str, expires_at: int | None) -> str:
        """Under which it is staged."""
        name, _ = self._staged.setdefault(key, (f"{self._staging}:{len(self._staged)}", expires_at))
        return name

    async def _walk(self, script: str, *arguments: int) -> None:
        """Over all strings that are there, a page at a time."""
        names = argument(self._layout.numbers())
        for pattern in self._layout.strings():
            cursor = "0"
            while (cursor := await self._script(script, cursor, _AT_ONCE, pattern, names, *arguments)) != "0":
                pass

    async def _script(self, script: str, *arguments: str | int) -> str:
        answer: str = await self._connection.run(script, self._keys, self._hold, *arguments)
        if answer == "lost":
            raise LiveUnavailable("the counters were not held long enough to be built")
        return answer


def _grouped(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    """The same in groups of _AT_ONCE fields at most: large parts in several, small ones together."""
    group: list[_Part] = []
    room = _AT_ONCE
    for kind, name, fields in parts:
        items = iter(fields.items())
        while some := dict(itertools.islice(items, room)):
            group.append((kind, name, some))
            room -= len(some)
            if not room:
                yield group
                group, room = [], _AT_ONCE
    if group:
        yield group
