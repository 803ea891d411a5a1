"""The end of a connection whose peer was answered and still sends.

It is told that we say no more (the end of our stream), and what it sends is taken and thrown away, so that it sees its
answer: closing now would be a reset, and the reset would overtake the answer. Time, bytes and pace are bounded.
"""

import asyncio

from pipeline.chassis.connections import Connections
from pipeline.chassis.lingering import LingeringTransport

_SILENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.0005
"""Between two chunks (256 KiB) that are thrown away, whichever connection they come from: 500 MB/s in all."""


class Discarding:
    """Ends with the peer, or when a bound is reached."""

    def __init__(
        self, transport: LingeringTransport, connections: Connections, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._transport = transport
        self._all = connections
        self._loop = loop
        self._since = self._heard_at = loop.time()
        self._size = 0
        transport.write_eof()

    def discard(self, size: int) -> None:
        """So many bytes came."""
        self._size += size
        self._heard_at = self._loop.time()
        if self._size > self._all.settings.discard_bytes_max:
            self._all.refused["too_much_to_discard"] += 1
            self._transport.abort()
            return
        # However many of these senders there are, they must not crowd out the others.
        self._transport.pause_reading()
        self._loop.call_later(_PAUSE_SECONDS * self._all.discarding, self._go_on)

    def enforce(self, now: float) -> None:
        """Who says nothing has seen the answer; who sends for ever need not see it."""
        limit = self._all.settings.body_timeout_seconds
        if now - self._heard_at > _SILENCE_SECONDS or now - self._since > limit:
            self._transport.abort()

    def _go_on(self) -> None:
        if not self._transport.inner.is_closing():
            self._transport.resume_reading()
