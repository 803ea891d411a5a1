"""The counters of one source in Redis: changed by updates, replaced as a whole, read."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast

import msgspec
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from pipeline.errors import LiveUnavailable
from pipeline.events.changes import LiveUpdate
from pipeline.live.connection import LiveConnection
from pipeline.live.operations import Operation, Values, key_patterns, operations_of
from pipeline.live.scripts import APPLY, HOLD, RELEASE, RENEW, REPLACE, STANDING

Condition = Literal["good", "held", "unbuilt", "restarted", "damaged"]
"""`held`: somebody rebuilds or compares. `unbuilt`, `restarted`, `damaged`: must be built anew."""

Outcome = Literal["applied", "held", "moved", "damaged"]
"""`moved`: the standing is no longer true; ask for it again, and read from Postgres again after that."""

_STAGED_SECONDS = 3600
_STAGED_AT_ONCE = 500


class Standing(msgspec.Struct, frozen=True):
    """How the counters stand. `told` are the updates in them that may still wait in Postgres."""

    condition: Condition
    mark: str = ""
    epoch: str = ""
    told: Sequence[int] = ()


class LiveCounters:
    """The counters of one source. Safe from any number of processes. All of it raises LiveUnavailable."""

    def __init__(self, connection: LiveConnection, source: str) -> None:
        self.source = source
        self._connection = connection
        name = f"live:{source}"
        self._keys = (name, f"{name}:applied", f"{name}:hold")
        self._staging = f"{name}:staged"

    async def standing(self, hold: str = "") -> Standing:
        """How they stand. To be asked before the updates that are to be applied are read."""
        condition, *rest = await self._run(STANDING, hold)
        if condition != "good":
            return Standing(condition)
        mark, epoch, told = rest
        try:
            return Standing("good", mark, epoch, [int(member) for member in told])
        except ValueError:
            return Standing("damaged")

    async def apply(self, standing: Standing, updates: Sequence[LiveUpdate]) -> tuple[Outcome, Standing]:
        """Changes the counters by the updates that are not in them yet: by all of them, or not at all.

        The updates were read after the standing was asked for, and those in `standing.told` are deleted. Returns how
        the counters stand now; unless they were applied, the standing that was given.
        """
        mark = secrets.token_hex(8)
        changes = [(str(update.id), operations_of(self.source, update.changes)) for update in updates]
        answer: str = await self._run(APPLY, standing.mark, mark, _ids(standing.told), _json(changes))
        outcome = cast("Outcome", answer.partition(":")[0])
        if outcome != "applied":
            return outcome, standing
        told = [update.id for update in updates]
        return outcome, Standing("good", mark, standing.epoch, told)

    @contextlib.asynccontextmanager
    async def hold(self, seconds: float) -> AsyncGenerator[str | None]:
        """Nothing is applied inside. Yields a token, or None when somebody else holds already.

        It is renewed; when this process dies it ends after so many seconds.
        """
        token = secrets.token_hex(8)
        milliseconds = max(1, round(seconds * 1000))
        if await self._run(HOLD, token, milliseconds) != "taken":
            yield None
            return
        renewing = asyncio.create_task(self._renew(token, milliseconds))
        try:
            yield token
        finally:
            renewing.cancel()
            # Where Redis is away it ends by itself.
            with contextlib.suppress(LiveUnavailable):
                await self._run(RELEASE, token)

    async def replace(
        self, hold: str, epoch: str, operations: Sequence[Operation], told: Iterable[int]
    ) -> None:
        """Replaces all counters of the source by what the operations make of nothing, as one step.

        Raises LiveUnavailable also when the hold was lost: then nothing is changed.
        """
        staged = {f"{self._staging}:{hold}:{i}": operation for i, operation in enumerate(operations)}
        names = list(staged)
        for begin in range(0, len(names), _STAGED_AT_ONCE):
            chunk = {name: staged[name] for name in names[begin : begin + _STAGED_AT_ONCE]}
            await self._together(chunk)
        old = [key for pattern in key_patterns(self.source) for key in await self._connection.keys(pattern)]
        answer = await self._run(
            REPLACE,
            hold,
            secrets.token_hex(8),
            epoch,
            datetime.now(UTC).isoformat(timespec="seconds"),
            _ids(told),
            _json(old),
            _json([(name, operation.key, operation.expires_at) for name, operation in staged.items()]),
        )
        if answer != "replaced":
            raise LiveUnavailable("the counters were not held long enough to be replaced")

    async def read(self) -> Values:
        """All counters of the source. A key that is no hash of numbers has no fields."""
        keys = [key for pattern in key_patterns(self.source) for key in await self._connection.keys(pattern)]

        def ask(pipeline: Pipeline) -> None:
            for key in keys:
                pipeline.hgetall(key)

        answers = await self._connection.together(ask) if keys else []
        return {key: _numbers(answer) for key, answer in zip(keys, answers, strict=True)}

    async def _together(self, chunk: dict[str, Operation]) -> None:
        def stage(pipeline: Pipeline) -> None:
            for name, operation in chunk.items():
                pipeline.hset(name, mapping=cast("dict[Any, Any]", operation.fields))
                pipeline.expire(name, _STAGED_SECONDS)

        for answer in await self._connection.together(stage):
            if isinstance(answer, RedisError):
                raise LiveUnavailable(f"not staged: {answer}") from answer

    async def _renew(self, token: str, milliseconds: int) -> None:
        while True:
            await asyncio.sleep(milliseconds / 3000)
            # Whether the hold was lost is decided where it matters, by the script that replaces.
            with contextlib.suppress(LiveUnavailable):
                await self._run(RENEW, token, milliseconds)

    async def _run(self, script: str, *arguments: str | int) -> Any:
        return await self._connection.run(script, self._keys, *arguments)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _ids(ids: Iterable[int]) -> str:
    return _json([str(number) for number in ids])


def _numbers(answer: Any) -> dict[str, int]:
    fields = cast("dict[str, str]", answer) if isinstance(answer, dict) else {}
    try:
        return {field: int(number) for field, number in fields.items()}
    except ValueError:
        return {}
