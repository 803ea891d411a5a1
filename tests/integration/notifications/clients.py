"""Clients of both doors, as an app would have them: real connections, through a real client library."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pipeline.chassis.tokens import TokenSettings, mint
from tests.processes import Process

SECRET = "a secret of the tests that is long enough"

Message = dict[str, Any]


def token(user: str, *scopes: str, ttl_seconds: int = 600, secret: str = SECRET) -> str:
    return mint(TokenSettings(jwt_secret=(secret,)), user, scopes, ttl_seconds)


class Client:
    """One WebSocket. `messages` are all that it was sent, in order; `close_code` is there once it is closed."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[Message] = []
        self.arrived = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(ConnectionClosed):  # `close` tells how
            async for text in self.socket:
                self.messages.append(json.loads(text))
                self.arrived.set()
        self.arrived.set()

    @property
    def notifications(self) -> list[Message]:
        return [message for message in self.messages if message["type"] == "notification"]

    @property
    def since(self) -> str:
        """What an app remembers: the greatest id that it was told."""
        return max((message["id"] for message in self.messages if "id" in message), key=int)

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def until(self, check: Callable[["Client"], Any], within_seconds: float = 10.0) -> Any:
        """The result of `check` as soon as it is true."""
        async with asyncio.timeout(within_seconds):
            while not (result := check(self)):
                assert not self._reading.done(), f"closed with {self.close}: {self.messages[-3:]}"
                self.arrived.clear()
                await self.arrived.wait()
        return result

    async def told(self, kind: str) -> Message:
        """The first message of this type."""
        return await self.until(lambda client: next((m for m in client.messages if m["type"] == kind), None))

    async def settle(self) -> None:
        """Returns when everything that was to be told before has been told."""
        asked = sum(message["type"] == "pong" for message in self.messages)
        await self.say(type="ping")
        await self.until(lambda client: sum(m["type"] == "pong" for m in client.messages) > asked)

    async def closed(self, within_seconds: float = 10.0) -> tuple[int | None, str]:
        """Code and reason of its end."""
        async with asyncio.timeout(within_seconds):
            await asyncio.wait({self._reading})
        return self.close

    @property
    def close(self) -> tuple[int | None, str]:
        return self.socket.close_code, self.socket.close_reason or ""

    def stop_reading(self) -> None:
        """As an app that hangs."""
        self._reading.cancel()

    def go_on_reading(self) -> None:
        self._reading = asyncio.create_task(self._read())

    async def end(self) -> None:
        await self.socket.close()
        await asyncio.wait({self._reading})


def address(gateway: Process, query: str = "") -> str:
    return f"ws://127.0.0.1:{gateway.port}/ws{query}"


async def open_client(
    gateway: Process,
    user: str,
    *scopes: str,
    since: str | None = None,
    topics: tuple[str, ...] = (),
    **options: Any,
) -> Client:
    """A client that has said who it is and is told everything from now on."""
    client = Client(await connect(address(gateway), compression=None, **options))
    await client.say(type="auth", token=token(user, *scopes), since=since, topics=topics)
    await client.told("ready")
    return client


@asynccontextmanager
async def event_stream(
    gateway: Process, user: str, *scopes: str, query: str = "", **headers: str
) -> AsyncIterator[AsyncIterator[Message]]:
    """Server-sent events, as {"event", "id", "data"}."""
    headers = {"Authorization": f"Bearer {token(user, *scopes)}", **headers}
    async with (
        httpx.AsyncClient(timeout=20) as http,
        http.stream("GET", f"{gateway.url}/notifications/stream{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[Message]:
    event: Message = {}
    async for line in answer.aiter_lines():
        if not line:
            if event:
                yield event
            event = {}
            continue
        name, _, value = line.partition(": ")
        if name == "":
            event["comment"] = value
        else:
            event[name] = json.loads(value) if name == "data" else value
