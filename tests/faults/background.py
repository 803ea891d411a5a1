"""An event loop in a thread of its own: the load and the proxies go on while a fault waits, stops and starts things."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop

ResultT = TypeVar("ResultT")

_ANSWER_SECONDS = 60.0


class Background:
    """Use it as a context manager. Whatever still runs on the loop at the end is cancelled."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="background", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call(_cancel_all)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_ANSWER_SECONDS)
        self.loop.close()

    def call(
        self, function: Callable[[], Coroutine[Any, Any, ResultT]], seconds: float = _ANSWER_SECONDS
    ) -> ResultT:
        """The result of a coroutine that runs over there. Raises TimeoutError."""
        return asyncio.run_coroutine_threadsafe(function(), self.loop).result(seconds)


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
