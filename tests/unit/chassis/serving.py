"""A service of a few lines behind the real server, on the event loop that it has in production."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ops.local.ports import choose_free
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.middleware import with_correlation_and_metrics
from pipeline.chassis.server import serve
from pipeline.chassis.server_settings import ServerSettings
from pipeline.chassis.signals import StopRequest
from pipeline.chassis.supervision import Loop


class Service:
    """Where it listens, what it was asked, and how it ends."""

    def __init__(self, loops: Mapping[str, Loop] | None = None, **settings: Any) -> None:
        self.port = choose_free()
        self.request = StopRequest()
        self.release = asyncio.Event()
        """`/held` is answered once it is set."""
        self.received: list[int] = []
        """Bytes of the bodies that `/read` has read to their end."""
        self.gone = 0
        """Requests whose client had gone before `/read` had their body."""
        self.metrics = ServiceMetrics("example")
        app = with_correlation_and_metrics(self._answer, self.metrics)
        self._main = serve(app, ServerSettings(port=self.port, **settings), loops or {}, self.request)
        self.running: asyncio.Task[bool] = asyncio.create_task(self._main)

    async def connect(self) -> "Client":
        """Waits until it listens."""
        for _ in range(200):
            try:
                return await self.connect_once()
            except OSError:
                await asyncio.sleep(0.01)  # the listener is bound by a task that we cannot see
        raise AssertionError("it does not listen")

    async def connect_once(self) -> "Client":
        """Raises ConnectionRefusedError when it does not listen."""
        return Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=2**24))

    def refused(self, rule: str) -> float:
        """Connections that this rule has ended, as the metrics tell."""
        labels = {"service": "example", "rule": rule}
        return self.metrics.registry.get_sample_value("http_connections_refused_total", labels) or 0.0

    def open_connections(self) -> float:
        """As the metrics tell."""
        return self.metrics.registry.get_sample_value("http_connections_open", {"service": "example"}) or 0.0

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        status, body = 200, b"answered"
        match scope["path"]:
            case "/read":
                size, more = 0, True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        self.gone += 1
                        return
                    size, more = size + len(message["body"]), message["more_body"]
                self.received.append(size)
            case "/held":
                await self.release.wait()
            case "/large":
                body = bytes(16 * 1024 * 1024)
            case "/refused":
                status = 503
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


class Client:
    """A connection that says just what it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers with lower-case names, body. Raises IncompleteReadError when there is none."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            return (
                int(first.split()[1]),
                headers,
                await self.reader.readexactly(int(headers["content-length"])),
            )

    async def ask(self, path: str = "/", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """A request without a body, and its answer."""
        await self.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return await self.answer()

    async def closed(self) -> bytes:
        """What still comes until the server closes the connection. Raises ConnectionResetError on a reset."""
        async with asyncio.timeout(10):
            return await self.reader.read()


@asynccontextmanager
async def serving(loops: Mapping[str, Loop] | None = None, **settings: Any) -> AsyncIterator[Service]:
    """A service that is stopped at the end, in a hurry."""
    service = Service(loops, **{"shutdown_delay_seconds": 0.0, "shutdown_grace_seconds": 2.0, **settings})
    try:
        yield service
    finally:
        service.request.ask()
        service.request.ask()
        await service.running
