"""Builds the counters of a source from Postgres, while everything else goes on."""

import time
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from pipeline.errors import LiveUnavailable
from pipeline.events.changes import Snapshot
from pipeline.live.counters import LiveCounters


class LiveStore(Protocol):
    """What Postgres tells of one source: `pipeline.store.live_updates.LiveUpdates`."""

    async def open_epoch(self) -> None: ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]: ...


class Rebuilt(msgspec.Struct, frozen=True):
    """What a build made. `updates` waited in Postgres and are part of it already."""

    keys: int
    events: int
    updates: int
    seconds: float


async def rebuild(counters: LiveCounters, store: LiveStore, hold_seconds: float) -> Rebuilt | None:
    """Replaces all counters of the source by what one snapshot of Postgres says. None when somebody else is at it.

    What is committed after the snapshot is applied afterwards. Raises LiveUnavailable or StoreUnavailable: then the
    counters are as they were, or unbuilt where they have strings (`Build`).
    """
    started = time.perf_counter()
    await store.open_epoch()
    async with counters.hold(hold_seconds) as hold:
        if hold is None:
            return None
        async with store.snapshot() as snapshot:
            if snapshot.epoch is None:
                raise LiveUnavailable("the epoch ended while the counters were built")
            build, events = counters.build(hold), 0
            await build.begin()
            async for changes in snapshot.totals():
                await build.add(changes)
                events += sum(number for _, _, number in changes.events)
            await build.finish(snapshot.epoch, snapshot.waiting)
        return Rebuilt(build.keys, events, len(snapshot.waiting), time.perf_counter() - started)
