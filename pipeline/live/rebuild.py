"""Builds the counters of a source from Postgres, while everything else goes on."""

import time
from typing import Protocol

import msgspec

from pipeline.errors import LiveUnavailable
from pipeline.events.changes import Snapshot
from pipeline.live.counters import LiveCounters
from pipeline.live.operations import operations_of


class LiveStore(Protocol):
    """What Postgres tells of one source: `pipeline.store.live_updates.LiveUpdates`."""

    async def open_epoch(self) -> None: ...

    async def snapshot(self) -> Snapshot: ...


class Rebuilt(msgspec.Struct, frozen=True):
    """What a build made. `updates` waited in Postgres and are part of it already."""

    keys: int
    events: int
    updates: int
    seconds: float


async def rebuild(counters: LiveCounters, store: LiveStore, hold_seconds: float) -> Rebuilt | None:
    """Replaces all counters of the source by what one snapshot of Postgres says. None when somebody else is at it.

    What is committed after the snapshot is applied afterwards. Raises LiveUnavailable or StoreUnavailable: then the
    counters are as they were.
    """
    started = time.perf_counter()
    await store.open_epoch()
    async with counters.hold(hold_seconds) as hold:
        if hold is None:
            return None
        snapshot = await store.snapshot()
        if snapshot.epoch is None:
            raise LiveUnavailable("the epoch ended while the counters were built")
        operations = operations_of(counters.source, snapshot.totals)
        await counters.replace(hold, snapshot.epoch, operations, [update.id for update in snapshot.updates])
    events = sum(number for _, _, number in snapshot.totals.events)
    return Rebuilt(len(operations), events, len(snapshot.updates), time.perf_counter() - started)
