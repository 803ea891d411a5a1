"""A pool of kept-alive connections to one endpoint: the `Sender` of `publisher/client.py`."""

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from publisher.connection import Connection, NoAnswer, Response


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds. `answer` counts from the first byte sent to the last byte received."""

    connect: float = 5.0
    answer: float = 30.0


class Connections:
    """A pool of connections to one endpoint; a POST beyond `limit` at once waits for its turn."""

    def __init__(
        self, endpoint: str, headers: dict[str, str], *, limit: int = 512, timeouts: Timeouts | None = None
    ) -> None:
        url = urlsplit(endpoint)
        self._host = url.hostname or "127.0.0.1"
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._port = url.port or (443 if self._tls else 80)
        self._timeouts = timeouts or Timeouts()
        self._idle: list[Connection] = []
        self._turn = asyncio.Semaphore(limit)
        self._target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        host = url.netloc.rpartition("@")[2]
        self._fields = {"Host": host, "Content-Type": "application/json", **headers}
        self._head = self._head_with({})

    async def post(self, payload: bytes, headers: Mapping[str, str] | None = None) -> Response:
        """The answer to one POST, with these headers besides those of every POST. Raises NoAnswer."""
        head = (self._head_with(headers) if headers else self._head) % len(payload)
        await self._take_turn()
        try:
            connection = self._take_idle() or await self._connect()
            try:
                response = await connection.exchange(head, payload, self._timeouts.answer)
            except BaseException:
                connection.close()
                raise
            if connection.usable:
                self._idle.append(connection)
            else:
                connection.close()
            return response
        finally:
            self._turn.release()

    def _head_with(self, headers: Mapping[str, str]) -> bytes:
        """How a request begins, with a place for the length of its body."""
        fields = {**self._fields, **headers}
        lines = [f"POST {self._target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join(lines).replace("%", "%%").encode() + b"\r\nContent-Length: %d\r\n\r\n"

    async def _take_turn(self) -> None:
        """Waits no longer than for an answer: before a gateway that hangs, the queue must not grow forever."""
        if not self._turn.locked():  # the usual case, without the cost of a timeout
            await self._turn.acquire()
            return
        try:
            async with asyncio.timeout(self._timeouts.answer):
                await self._turn.acquire()
        except TimeoutError:
            raise NoAnswer("timeout", f"no free connection in {self._timeouts.answer:g} s") from None

    def close(self) -> None:
        """Close what is idle; requests under way end by themselves."""
        while self._idle:
            self._idle.pop().close()

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeouts.connect):
                _, connection = await loop.create_connection(
                    Connection, self._host, self._port, ssl=self._tls
                )
        except TimeoutError:
            raise NoAnswer("timeout", f"no connection in {self._timeouts.connect:g} s") from None
        except OSError as error:
            raise NoAnswer("refused", str(error)) from None
        return connection
