"""Looking at files and disks, which may hang with the server that they are on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from reporter.probes.probe import ProbeFailed

ResultT = TypeVar("ResultT")


class OneAtATime:
    """A thread beside the event loop. While one look hangs in it, no other is begun."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"probe-{name}")
        self._last: Future[Any] | None = None

    async def run(self, look: Callable[[], ResultT]) -> ResultT:
        """Its result. Raises ProbeFailed while the look before is not over, and what the look raises."""
        if self._last is not None and not self._last.done():
            raise ProbeFailed("the file system does not answer")
        future = self._threads.submit(look)
        self._last = future
        return await asyncio.shield(asyncio.wrap_future(future))
