"""Runs a service in one process and one event loop: the HTTP server beside its supervised background loops.

uvicorn rather than Granian: one process, so that a SIGKILL leaves no worker behind that holds the port, and the
loops share the server's event loop. docs/decisions.md has the measurement.
"""

import asyncio
import functools
import gc
import logging
import math
import socket
import sys
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

import structlog
import uvicorn
import uvloop
from litestar.types import ASGIApp

from pipeline.chassis.concurrency import first_of
from pipeline.chassis.connections import Connections
from pipeline.chassis.protocol import GuardedProtocol
from pipeline.chassis.server_settings import ServerSettings
from pipeline.chassis.signals import StopRequest, stopped_early
from pipeline.chassis.supervision import Loop, supervise
from pipeline.chassis.tracing import stop_tracing
from pipeline.chassis.websockets import GuardedWebSocket
from pipeline.errors import ConfigurationError

log = structlog.get_logger()

_LAST_ANSWERS_SECONDS = 1.0


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, and with our order of stopping."""

    def __init__(self, config: uvicorn.Config, connections: Connections, hurry: asyncio.Event) -> None:
        super().__init__(config)
        self._connections = connections
        self._hurry = hurry

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no new connection, finishes what was asked on the old ones, and cuts what is late."""
        waiting = [accepted for listener in sockets or [] for accepted in _waiting(listener)]
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for accepted in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._new_protocol, accepted)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        self._connections.close_when_silent()
        grace = self._connections.settings.shutdown_grace_seconds
        await first_of(self._finished(), self._hurry.wait(), timeout_seconds=grace)
        await self._cut()

    def _new_protocol(self) -> asyncio.Protocol:
        new = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return new(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def _finished(self) -> None:
        await self._connections.emptied()
        while self.server_state.tasks:  # of requests whose client has gone
            await asyncio.wait(self.server_state.tasks)

    async def _cut(self) -> None:
        late = self._connections.cut()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if late or tasks:
            log.warning("requests_cut", requests=max(late, len(tasks)))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_ANSWERS_SECONDS):
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._connections.emptied()


async def serve(
    app: ASGIApp, settings: ServerSettings, loops: Mapping[str, Loop], request: StopRequest | None = None
) -> bool:
    """Serves until SIGTERM or SIGINT (or `request`), or until a loop dies. Returns whether everything ended well.

    After the signal readiness is red and answers close their connections; SHUTDOWN_DELAY_SECONDS later the listener
    closes, and work in flight has SHUTDOWN_GRACE_SECONDS. A second signal cuts both short.
    """
    request = request or StopRequest.of_signals()
    connections = Connections(settings)
    server = _Server(_config(app, settings, connections), connections, request.hurry)

    async def http(stop: asyncio.Event) -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        watching = asyncio.create_task(connections.watch())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        connections.draining = True
        if stop.is_set():
            log.info("service_stopping", open_connections=len(connections))
            await first_of(request.hurry.wait(), timeout_seconds=settings.shutdown_delay_seconds)
        server.should_exit = True
        await serving
        stopping.cancel()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    listener = _listen(settings)
    # What was made so far lives as long as the process: full collections need not look at it again and again.
    gc.collect()
    gc.freeze()
    log.info("service_starting", host=settings.host, port=settings.port)
    grace = settings.shutdown_delay_seconds + settings.shutdown_grace_seconds + _LAST_ANSWERS_SECONDS
    healthy = await supervise({"http": http, **loops}, request.stop, grace, request.hurry)
    log.info("service_stopped", healthy=healthy)
    return healthy


def _config(app: ASGIApp, settings: ServerSettings, connections: Connections) -> uvicorn.Config:
    # What uvicorn warns of is counted and logged by `Connections`: one line a second, however many there are.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    protocol = functools.partial(GuardedProtocol, open_connections=connections)
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", protocol),
        ws=cast("type[asyncio.Protocol]", functools.partial(GuardedWebSocket, open_connections=connections)),
        ws_max_size=settings.websocket_message_limit,
        ws_ping_interval=settings.websocket_ping_seconds,
        ws_ping_timeout=settings.websocket_pong_seconds,
        # Compression would cost each connection more memory than all that it is ever sent.
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=math.ceil(settings.keep_alive_seconds),
    )


def _waiting(listener: socket.socket) -> list[socket.socket]:
    """Connections that the kernel has made and nobody has accepted: closing the listener would reset them."""
    accepted: list[socket.socket] = []
    with suppress(BlockingIOError):
        while True:
            accepted.append(listener.accept()[0])
            accepted[-1].setblocking(False)
    return accepted


def _listen(settings: ServerSettings) -> socket.socket:
    """Bound before anything else starts, so that a taken port is named with the variable that changes it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:  # OverflowError: no port has such a number
        raise ConfigurationError(f"PORT: cannot listen on {settings.host}:{settings.port}: {error}") from None


def run(main: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """The last line of a `__main__`: exit status 0 after a clean stop, 1 after a death, 2 for wrong settings.

    A stop is clean also when work had to be cut at its deadline: that work was not acknowledged, so it is lost to
    nobody, and the log says how much it was.
    """
    try:
        healthy = uvloop.run(stopped_early(main))
    except ConfigurationError as error:
        print(f"configuration error: {error}", file=sys.stderr)
        sys.exit(2)
    finally:
        stop_tracing()
    sys.exit(0 if healthy else 1)
