"""A transport whose closing is somebody else's decision."""

import asyncio
from collections.abc import Callable
from typing import Any


class LingeringTransport(asyncio.Transport):
    """The transport as uvicorn sees it: `close` only says that the last answer is written.

    A socket that is closed while its peer still sends answers with a reset, and the reset destroys the answer on its
    way. So the protocol is asked how to end; meanwhile the transport counts as closing.
    """

    def __init__(self, inner: asyncio.Transport, end: Callable[[], None]) -> None:
        super().__init__()
        self.inner = inner
        self._end = end
        self._closing = False
        self._unsent = 0
        self._unsent_since = 0.0

    def is_not_taken(self, now: float, limit_seconds: float) -> bool:
        """Whether the peer has taken nothing of what it was sent for so long. To be asked again and again."""
        unsent = self.inner.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
            return False
        return now - self._unsent_since > limit_seconds

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._end()

    def is_closing(self) -> bool:
        return self._closing or self.inner.is_closing()

    def abort(self) -> None:
        self._closing = True
        self.inner.abort()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.inner.write(data)

    def write_eof(self) -> None:
        self.inner.write_eof()

    def can_write_eof(self) -> bool:
        return self.inner.can_write_eof()

    def pause_reading(self) -> None:
        self.inner.pause_reading()

    def resume_reading(self) -> None:
        self.inner.resume_reading()

    def is_reading(self) -> bool:
        return self.inner.is_reading()

    def get_write_buffer_size(self) -> int:
        return self.inner.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.inner.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.inner.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.inner.set_protocol(protocol)
