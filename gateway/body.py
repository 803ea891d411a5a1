"""Reads a request body within its limits: its size (inflated too), and what is in flight in all.

How long it may take is the server's business (`pipeline/chassis/protocol.py`): to us a slow sender has gone.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from io import BytesIO

from litestar.types import Receive

from gateway.admission import Admission, Reservation
from gateway.settings import GatewaySettings
from pipeline.chassis.problems import Problem

_INFLATE_STEP_BYTES = 256 * 1024
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class ClientGone(Exception):
    """The sender closed the connection before its body was complete: there is nobody to answer."""


class BodyReader:
    """Reads bodies; the reservation of their bytes lasts until the caller gives it back."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._size_limit, self._size_setting = settings.body_size_limit, "BODY_SIZE_LIMIT"
        self.admission = Admission(settings)

    def with_limit(self, size: int, setting: str) -> "BodyReader":
        """A reader with another size limit, named by `setting`, and the same budget of bytes in flight."""
        reader = BodyReader(self._settings)
        reader._size_limit, reader._size_setting = size, setting
        reader.admission = self.admission
        return reader

    def check_announced(self, headers: Mapping[str, str]) -> int:
        """The size that the headers announce, 0 where they do not. Raises Problem 413."""
        announced = headers.get("content-length", "")
        if not announced.isdecimal():
            return 0
        # Python refuses to read thousands of digits; so many bytes are too many.
        size = int(announced[:20])
        self._check_size(size)
        return size

    async def read(self, headers: Mapping[str, str], receive: Receive, reservation: Reservation) -> bytes:
        """The whole body. Raises Problem 400, 413, 415, 503, or ClientGone."""
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise Problem(
                415, "unsupported-media-type", f"content encoding {encoding[:40]!r}: use identity or gzip"
            )
        announced = self.check_announced(headers)
        reservation.check(announced)
        body = await self._collect(receive, reservation, announced)
        reservation.begin_work()
        return await self._inflate(body, reservation) if encoding == "gzip" else body

    async def _collect(self, receive: Receive, reservation: Reservation, announced: int) -> bytes:
        whole = BytesIO()
        size = 0
        async for chunk in _chunks(receive):
            size += len(chunk)
            self._check_size(size)
            reservation.came(size, announced)
            if size == announced == len(chunk):
                return chunk
            whole.write(chunk)
        # Unlike a join at the end, this holds the bytes once, and takes no turn of many milliseconds.
        return whole.getvalue()

    async def _inflate(self, body: bytes, reservation: Reservation) -> bytes:
        """In steps, so that a bomb is noticed when it passes the limit and not when it has gone off."""
        inflater = zlib.decompressobj(_GZIP_WINDOW)
        whole = BytesIO()
        size = 0
        rest = body
        try:
            while not inflater.eof:
                piece = inflater.decompress(rest, _INFLATE_STEP_BYTES)
                rest = inflater.unconsumed_tail
                if not piece and not rest:
                    break
                size += len(piece)
                self._check_size(size)
                reservation.grow_to(len(body) + size)
                whole.write(piece)
                await asyncio.sleep(0)
        except zlib.error as error:
            raise Problem(400, "malformed-gzip", f"the body is not gzip: {error}") from None
        if not inflater.eof:
            raise Problem(400, "malformed-gzip", "the gzip stream does not end")
        if inflater.unused_data:
            raise Problem(400, "malformed-gzip", "there are bytes after the end of the gzip stream")
        return whole.getvalue()

    def _check_size(self, size: int) -> None:
        limit = self._size_limit
        if size > limit:
            raise Problem(413, "too-large", f"the body is larger than {limit} bytes ({self._size_setting})")


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if message["type"] == "http.request":
            yield message["body"]
            if not message["more_body"]:
                return
