"""SIGTERM and SIGINT: the first asks to stop, the second to hurry. Before the service serves, one is enough."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Self

import structlog

log = structlog.get_logger()

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Whether we were asked to stop, and to hurry."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    @classmethod
    def of_signals(cls) -> Self:
        """From now on the signals of this process are for it."""
        request = cls()
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, request.ask)
        return request

    def ask(self) -> None:
        """As a signal does."""
        # Also after a stop that no signal asked for: whoever sends one then wants it over.
        if self.stop.is_set() and not self.hurry.is_set():
            log.warning("asked_to_hurry")
            self.hurry.set()
        self.stop.set()


async def stopped_early(main: Callable[[], Coroutine[Any, Any, bool]]) -> bool:
    """Runs `main`. A signal that comes before it serves cancels it, and that is a clean end: nothing was begun."""
    running = asyncio.ensure_future(main())
    asked = False

    def heard() -> None:
        nonlocal asked
        asked = True
        running.cancel()

    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, heard)
    try:
        return await running
    except asyncio.CancelledError:
        if not asked:
            raise
        log.info("stopped_before_serving")
        return True
