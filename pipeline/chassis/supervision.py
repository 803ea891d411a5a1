"""Background loops never end silently: when one dies, the process says so and ends, and is started anew.

A loop that stalls without dying is seen by its `Heartbeat`, which readiness asks.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from pipeline.chassis.concurrency import first_of

log = structlog.get_logger()

_HURRY_SECONDS = 1.5

Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Runs until the event (stop) is set, finishes what it holds, and returns."""


class Heartbeat:
    """A loop beats it whenever it turns; `check` fails once it has been silent for too long."""

    def __init__(self, stall_after_seconds: float) -> None:
        self._stall_after_seconds = stall_after_seconds
        self._last = time.monotonic()

    def beat(self) -> None:
        self._last = time.monotonic()

    async def check(self) -> str:
        """A readiness check."""
        silent = time.monotonic() - self._last
        if silent > self._stall_after_seconds:
            raise TimeoutError(f"stalled: no turn of the loop for {silent:.0f} s")
        return "turning"


async def supervise(
    loops: Mapping[str, Loop], stop: asyncio.Event, grace_seconds: float, hurry: asyncio.Event | None = None
) -> bool:
    """Runs the loops until `stop` is set; gives them the grace to finish, then cancels them.

    `hurry` cuts the grace to a second or two. Returns True when all ended well, False when one of them died: then
    `stop` is set for the others too.
    """
    tasks = {asyncio.create_task(loop(stop), name=name) for name, loop in loops.items()}
    if not tasks:
        await stop.wait()
        return True
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    healthy = stop.is_set()
    ended_early = set[asyncio.Task[None]]() if healthy else done
    stop.set()
    await stopped
    hurry = hurry or asyncio.Event()
    await first_of(asyncio.wait(tasks), hurry.wait(), timeout_seconds=grace_seconds)
    _, late = await asyncio.wait(tasks, timeout=_HURRY_SECONDS if hurry.is_set() else 0)
    for task in late:
        log.warning("loop_cancelled", loop=task.get_name(), after_seconds=grace_seconds)
        task.cancel()
    for outcome, task in zip(await asyncio.gather(*tasks, return_exceptions=True), tasks, strict=True):
        if isinstance(outcome, Exception):
            healthy = False
            log.error("loop_died", loop=task.get_name(), exc_info=outcome)
        elif task in ended_early:
            log.error("loop_ended", loop=task.get_name())
    return healthy
