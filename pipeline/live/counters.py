"""The counters of one source in Redis: changed by updates, replaced as a whole, read."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, Literal, cast

import msgspec

from pipeline.errors import LiveUnavailable
from pipeline.events.changes import LiveUpdate
from pipeline.events.source import ProjectionName
from pipeline.live.building import Build
from pipeline.live.connection import LiveConnection, argument
from pipeline.live.layout import Layout, state_key
from pipeline.live.operations import Values
from pipeline.live.post_keys import FORGOTTEN_DAYS, KEPT_TRENDING, TREND_DAYS
from pipeline.live.reading import read_counters
from pipeline.live.scripts import APPLY, HOLD, RELEASE, RENEW, STANDING

Condition = Literal["good", "held", "unbuilt", "restarted", "damaged"]
"""`held`: somebody rebuilds or compares. `unbuilt`, `restarted`, `damaged`: must be built anew."""

Outcome = Literal["applied", "held", "moved", "damaged"]
"""`moved`: the standing is no longer true; ask for it again, and read from Postgres again after that."""


class Standing(msgspec.Struct, frozen=True):
    """How the counters stand. `told` are the updates in them that may still wait in Postgres."""

    condition: Condition
    mark: str = ""
    epoch: str = ""
    told: Sequence[int] = ()


class LiveCounters:
    """The counters of one source. Safe from any number of processes. All of it raises LiveUnavailable."""

    def __init__(self, connection: LiveConnection, source: str, projection: ProjectionName = "") -> None:
        self.layout = Layout(source, projection)
        self._connection = connection
        name = state_key(source)
        self._keys = (name, f"{name}:applied", f"{name}:hold")

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
        changes = [(str(update.id), self.layout.operations_of(update.changes)) for update in updates]
        answer: str = await self._run(
            APPLY,
            standing.mark,
            mark,
            _ids(standing.told),
            argument(changes),
            TREND_DAYS,
            FORGOTTEN_DAYS,
            KEPT_TRENDING,
        )
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

    def build(self, hold: str) -> Build:
        """Replaces all counters of the source, for as long as they are held."""
        return Build(self._connection, self.layout, self._keys, hold)

    async def read(self) -> Values:
        """All counters of the source, apart from trends: in memory. Those that hold no numbers have no fields."""
        return await read_counters(self._connection, self.layout)

    async def _renew(self, token: str, milliseconds: int) -> None:
        while True:
            await asyncio.sleep(milliseconds / 3000)
            # Whether the hold was lost is decided where it matters, by the script that replaces.
            with contextlib.suppress(LiveUnavailable):
                await self._run(RENEW, token, milliseconds)

    async def _run(self, script: str, *arguments: str | int) -> Any:
        return await self._connection.run(script, self._keys, *arguments)


def _ids(ids: Iterable[int]) -> str:
    return argument([str(number) for number in ids])
