"""When a transaction became visible to other readers, without reading what it wrote.

Every few milliseconds the current snapshot is asked for, which costs Postgres next to nothing. A transaction is
visible from the first snapshot on that does not count it as running. The events of a batch, their rollups and so
their part of every report appear with the same transaction, so this is when a report begins to show them.
"""

import asyncio
import itertools
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from bench.postgres import Postgres, connected

POLL_SECONDS = 0.004


class Snapshot(NamedTuple):
    """`pg_snapshot`: transactions below `oldest_running`, and those below `next_id` that are not running, are
    visible."""

    seen_at: float
    oldest_running: int
    next_id: int
    running: frozenset[int]

    def shows(self, transaction: int) -> bool:
        if transaction < self.oldest_running:
            return True
        return transaction < self.next_id and transaction not in self.running


def parse_snapshot(text: str, seen_at: float) -> Snapshot:
    """`xmin:xmax:xip,…`."""
    oldest, following, running = text.split(":")
    return Snapshot(
        seen_at, int(oldest), int(following), frozenset(map(int, filter(None, running.split(","))))
    )


def visible_at(snapshots: Sequence[Snapshot], transaction: int) -> float | None:
    """When the first of the snapshots that shows it had arrived; None if none does."""
    index = bisect_left(snapshots, True, key=lambda snapshot: snapshot.shows(transaction))
    return snapshots[index].seen_at if index < len(snapshots) else None


class SnapshotWatch:
    """Collects snapshots on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.snapshots: list[Snapshot] = []

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        """Until the end of the block."""
        async with connected(self._url) as postgres:
            task = asyncio.create_task(self._keep_asking(postgres))
            try:
                yield
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def _keep_asking(self, postgres: Postgres) -> None:
        while True:
            text: str = await postgres.value("SELECT pg_current_snapshot()::text")
            # The time after the answer: an event counts as visible no earlier than it can have been seen.
            self.snapshots.append(parse_snapshot(text, time.time()))
            await asyncio.sleep(POLL_SECONDS)

    def intervals(self) -> list[float]:
        """Seconds between one snapshot and the next: the resolution of what was measured."""
        times = [snapshot.seen_at for snapshot in self.snapshots]
        return [later - earlier for earlier, later in itertools.pairwise(times)]
