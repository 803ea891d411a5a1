"""A real HTTP server on a free port that answers as a script tells it, or else as a gateway would."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec

from tests.unit.publisher.events_format import is_valid

Reply = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class FakeGateway:
    """`script` holds the replies to the next requests; when it is empty every request is judged and accepted.

    `bodies` are all bodies received, `accepted` the valid events of those that got a 202.
    """

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.bodies: list[bytes] = []
        self.heads: list[str] = []
        self.accepted: list[dict] = []
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/events"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().split("content-length:")[1].split("\r\n")[0])
                body = await reader.readexactly(length)
                self.heads.append(head)
                self.bodies.append(body)
                self.in_flight += 1
                self.most_in_flight = max(self.in_flight, self.most_in_flight)
                try:
                    await (self.script.pop(0) if self.script else self.judge)(body, writer)
                    await writer.drain()
                finally:
                    self.in_flight -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def judge(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer as DESIGN §4 says."""
        decoded = msgspec.json.decode(body)
        events = decoded if isinstance(decoded, list) else [decoded]
        bad = [index for index, event in enumerate(events) if not is_valid(event)]
        errors = [
            {"index": index, "reason": "schema_violation", "path": "$", "detail": "bad"} for index in bad
        ]
        answer = {"accepted": len(events) - len(bad), "rejected": len(bad), "errors": errors[:100]}
        if len(bad) < len(events):
            self.accepted += [event for index, event in enumerate(events) if index not in bad]
        send(writer, 202 if len(bad) < len(events) else 400, msgspec.json.encode(answer))


def send(writer: asyncio.StreamWriter, status: int, body: bytes = b"", *headers: str) -> None:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def answering(status: int, body: bytes = b"", *headers: str) -> Reply:
    """A reply with this status."""

    async def reply(_body: bytes, writer: asyncio.StreamWriter) -> None:
        send(writer, status, body, *headers)

    return reply


async def hanging_up(_body: bytes, writer: asyncio.StreamWriter) -> None:
    """The gateway dies before it answers."""
    writer.transport.abort()


async def hanging(_body: bytes, writer: asyncio.StreamWriter) -> None:
    """The gateway never answers."""
    await asyncio.sleep(3600)
