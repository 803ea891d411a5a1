"""uvicorn's WebSocket protocol with an end: a client that takes nothing any more is let go.

uvicorn closes a connection by writing a close frame and waiting until everything is sent. To a client that has stopped
reading nothing is ever sent, so after a moment the connection is cut. What is relied on in uvicorn's class is written
down in `tests/unit/chassis/test_uvicorn.py`.
"""

import asyncio
import socket
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from pipeline.chassis.connections import Connections
from pipeline.chassis.refusals import refusal

_LAST_WORDS_SECONDS = 2.0
_UNSENT_BYTES = 64 * 1024


def keep_little_unsent(transport: asyncio.BaseTransport) -> None:
    """What the kernel keeps for a client that does not read is memory, too: by itself, up to 4 MB for each.

    For connections that stay open, and are sent little. A slow client is noticed sooner.
    """
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT_BYTES)


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """One connection that was upgraded. Deadlines of pings are uvicorn's own."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        open_connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._all = open_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._all.websockets += 1
        keep_little_unsent(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.websockets -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The head comes in one piece. uvicorn waits for ever for one that its parser gave up, for a line over 8 KiB.
        if not self.handshake_initiated and not self.transport.is_closing():
            self._all.refused["malformed"] += 1
            self.transport.write(refusal(400, "malformed-request", "this is no handshake of a WebSocket"))
            self.transport.close()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            # Not held up by what the client does not take.
            self.writable.set()
            self._cut_soon()
        await super().send(message)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._all.refused["no_pong"] += 1
        self._cut_soon()

    def shutdown(self) -> None:
        super().shutdown()
        self._cut_soon()

    def _cut_soon(self) -> None:
        self.loop.call_later(_LAST_WORDS_SECONDS, self.transport.abort)
