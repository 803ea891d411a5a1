"""CPU time and memory peaks of every process group over a window.

CPU time is the difference of what `/proc` shows at the end and at the beginning, ended children included.
Peaks are the kernel's own (VmHWM, reset at the beginning where that is allowed), except for Postgres: its
processes share their buffers, so its figure is private memory of all plus shared memory once, sampled.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from bench import procfs
from bench.outcome import Cost, Usage
from bench.procfs import Stat

SAMPLE_SECONDS = 1.0
ENGINE = "query engine"
OBSERVER = "bench itself"
_SHARED_MEMORY = ("postgres",)


class Meter:
    """Watches the process trees below `roots` (name to process id). Node children count by themselves."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = roots
        self._begun: dict[str, float] = {}
        self._now: dict[str, float] = {}
        self._peaks: dict[str, int] = {}
        self._ended: list[Cost] = []
        self._busy = 0.0
        self._begun_at = 0.0
        self._observer = 0.0

    @asynccontextmanager
    async def watching(self) -> "AsyncGenerator[Meter]":
        """The window: from here to the end of the block, or to an earlier call of `usage`."""
        for members in self._groups().values():
            for member in members:
                procfs.reset_peak(member.pid)
        self._peaks.clear()
        self._sample()
        self._begun = dict(self._now)
        self._busy, self._begun_at = procfs.busy_seconds(), time.monotonic()
        self._observer = _own_seconds()
        sampling = asyncio.create_task(self._keep_sampling())
        try:
            yield self
        finally:
            sampling.cancel()

    def add(self, cost: Cost) -> None:
        """A process that was waited for: the kernel has told what it cost in all."""
        self._ended.append(cost)

    def usage(self, events: int) -> Usage:
        """What the window has cost so far, while `events` events passed through."""
        self._sample()
        costs = [
            Cost(name, seconds - self._begun.get(name, 0.0), self._peaks.get(name, 0))
            for name, seconds in self._now.items()
        ]
        observer_peak = procfs.sizes(os.getpid()).get("VmHWM", 0)
        costs += [*self._ended, Cost(OBSERVER, _own_seconds() - self._observer, observer_peak)]
        busy = procfs.busy_seconds() - self._busy
        return Usage(
            costs=costs,
            events=events,
            seconds=time.monotonic() - self._begun_at,
            elsewhere_seconds=max(0.0, busy - sum(cost.cpu_seconds for cost in costs)),
        )

    async def _keep_sampling(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            self._sample()

    def _sample(self) -> None:
        for name, members in self._groups().items():
            self._now[name] = sum(member.own_seconds + member.reaped_seconds for member in members)
            self._peaks[name] = max(self._peaks.get(name, 0), _memory(name, members))

    def _groups(self) -> dict[str, list[Stat]]:
        everything = procfs.processes()
        groups: dict[str, list[Stat]] = {}
        for name, root in self._roots.items():
            for member in procfs.family(everything, root):
                is_engine = member.pid != root and member.name.startswith(("node", "MainThread"))
                groups.setdefault(f"{name}: {ENGINE}" if is_engine else name, []).append(member)
        return groups


def _memory(name: str, members: list[Stat]) -> int:
    sizes = [procfs.sizes(member.pid) for member in members]
    if name in _SHARED_MEMORY:
        shared = max((size.get("RssShmem", 0) for size in sizes), default=0)
        return sum(size.get("RssAnon", 0) for size in sizes) + shared
    return sum(size.get("VmHWM", 0) for size in sizes)


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system
