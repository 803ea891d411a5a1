"""Doing several things at once, all or none."""

import asyncio
from collections.abc import Coroutine, Iterable
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
