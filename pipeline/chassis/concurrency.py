"""Doing several things at once: all or none, or until the first is done."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any


async def all_or_cancel(coroutines: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Runs them at once. When one fails its exception is raised and the others are cancelled.

    `asyncio.gather` would leave the others running for nobody, with what they hold in memory.
    """
    waiting = list(coroutines)
    if len(waiting) == 1:
        await waiting[0]
        return
    tasks = [asyncio.create_task(coroutine) for coroutine in waiting]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def first_of(*waits: Awaitable[object], timeout_seconds: float | None = None) -> None:
    """Returns when one of them is done, or after the time-out; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
