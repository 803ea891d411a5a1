"""A pipeline in one place, for the canaries: it takes them in over HTTP, and stores them when the test says so."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

_STORE = """
INSERT INTO pipeline_canaries VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp())
ON CONFLICT (source, sender) DO UPDATE SET number = excluded.number
WHERE excluded.number > pipeline_canaries.number
"""


class FakePipeline:
    """`status` is what it answers, `stores` whether it stores what it has accepted."""

    def __init__(self, look: asyncpg.Connection) -> None:
        self._look = look
        self._one_by_one = asyncio.Lock()
        self.status = 202
        self.stores = True
        self.received: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.address = ""

    @property
    def sources(self) -> set[str]:
        """Those that got a canary."""
        return {canary["source"] for canary in self.received}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakePipeline"]:
        """On a port of its own."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def store_last(self, source: str) -> None:
        """What waits for a source comes through at last."""
        canary = [each for each in self.received if each["source"] == source][-1]
        async with self._one_by_one:
            await self._look.execute(_STORE, canary["source"], canary["sender"], canary["number"])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        canary = json.loads(await reader.readexactly(int(headers["content-length"])))
        assert head[0] == "POST /canaries HTTP/1.1"
        self.received.append(canary)
        self.headers.append(headers)
        body = b'{"detail":"too much is in flight"}'
        if self.status == 202 and self.stores:
            await self.store_last(canary["source"])
        answer = b"HTTP/1.1 %d x\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
        writer.write(answer % (self.status, len(body), body))
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()
