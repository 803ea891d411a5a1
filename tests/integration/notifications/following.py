"""An app that follows its notifications through everything that happens to gateways: it comes back with `since`."""

import asyncio
import random
from contextlib import suppress

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.integration.notifications.clients import Client, Message, address, token
from tests.processes import Process


class Follower:
    """Connects again and again, to one of the gateways at random."""

    def __init__(self, user: str, gateways: list[Process], topics: tuple[str, ...] = ()) -> None:
        self.user = user
        self.ready = asyncio.Event()
        self._gateways = gateways
        self._topics = topics
        self._earlier: list[Message] = []
        self._client: Client | None = None
        self._following = asyncio.create_task(self._follow())

    @property
    def messages(self) -> list[Message]:
        """All that it was sent, in order, over all of its connections."""
        return [*self._earlier, *(self._client.messages if self._client else ())]

    @property
    def told(self) -> list[Message]:
        return [message for message in self.messages if message["type"] == "notification"]

    async def caught_up(self, count: int) -> None:
        """Returns when it was told so many."""
        while len(self.told) < count:
            assert not self._following.done(), self._following.exception()
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        self._following.cancel()
        await asyncio.wait({self._following})

    async def _follow(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError):
                await self._connect_once(random.choice(self._gateways))
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def _connect_once(self, gateway: Process) -> None:
        positions = [int(message["id"]) for message in self._earlier if "id" in message]
        since = str(max(positions)) if positions else None
        socket = await connect(address(gateway), compression=None, close_timeout=1)
        self._client = Client(socket)
        try:
            await self._client.say(type="auth", token=token(self.user), topics=self._topics, since=since)
            await self._client.told("ready")
            self.ready.set()
            await self._client.closed(600)
        except AssertionError:
            pass  # closed before it was let in: the gateway is stopping, or cannot read the stream now
        finally:
            await self._client.end()
            self._earlier += self._client.messages
            self._client = None
