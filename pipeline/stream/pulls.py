"""The pulls that the server still owes messages, and when it was last heard of."""

import itertools
import time


class OpenPulls:
    """Counts what is on its way. Each pull is known by the inbox that it is answered at."""

    def __init__(self) -> None:
        self._owed: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._heard_at = time.monotonic()

    @property
    def owed(self) -> int:
        """Messages that may still come."""
        return sum(self._owed.values())

    def begin(self, inbox: str, batch: int) -> str:
        """A new pull for so many messages; returns its own inbox below `inbox`."""
        reply = f"{inbox}.{next(self._numbers)}"
        self._owed[reply] = batch
        return reply

    def end(self, reply: str) -> None:
        """The server will answer this pull no more."""
        self._owed.pop(reply, None)

    def forget(self) -> None:
        """Nothing that was asked before is waited for."""
        self._owed.clear()
        self.heard()

    def heard(self) -> None:
        """The server gave a sign of life: a message, a heartbeat, an end."""
        self._heard_at = time.monotonic()

    def distrust(self) -> None:
        """Nobody answers for the consumer any more: as if nothing had been heard for a long time."""
        self._heard_at = 0.0

    def are_silent(self, after_seconds: float) -> bool:
        """Something is owed, and nothing was heard for so long."""
        return bool(self._owed) and time.monotonic() - self._heard_at > after_seconds

    def count_delivery(self) -> None:
        """A message came. It carries its own subject, not the pull's inbox: pulls are served in order, so it is
        the oldest's. A miscount would end with that pull's own end."""
        oldest = next(iter(self._owed), None)
        if oldest is None:
            return
        self._owed[oldest] -= 1
        if self._owed[oldest] == 0:
            self.end(oldest)
