"""An event between loops that remembers the traces of those who set it."""

import asyncio
from collections import deque

from pipeline.chassis.tracing.active import current
from pipeline.chassis.tracing.context import TraceContext

_REMEMBERED = 16
"""Traces of so many are followed when many set the event before anybody looks."""


class TracedOccasion(asyncio.Event):
    """For work that is done later and elsewhere: `take_origins` tells from which spans it came."""

    def __init__(self) -> None:
        super().__init__()
        self._origins: deque[TraceContext] = deque(maxlen=_REMEMBERED)

    def set(self) -> None:
        """As in any event."""
        if (span := current()) is not None:
            self._origins.append(span.context)
        super().set()

    def take_origins(self) -> list[TraceContext]:
        """Who set it since the last call, if that was traced; the latest of many."""
        origins = list(self._origins)
        self._origins.clear()
        return origins
