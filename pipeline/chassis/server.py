"""Runs a service in one process and one event loop: the HTTP server beside its supervised background loops.

uvicorn rather than Granian: one process, so that a SIGKILL leaves no worker behind that holds the port, and the
loops share the server's event loop. docs/decisions.md has the measurement.
"""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog
import uvicorn
import uvloop
from litestar.types import ASGIApp

from pipeline.chassis.supervision import Loop, supervise
from pipeline.errors import ConfigurationError

log = structlog.get_logger()


class ServerSettings(msgspec.Struct, frozen=True):
    port: int
    """TCP port that the service listens on."""
    host: str = "127.0.0.1"
    """Address that the service listens on; 0.0.0.0 in a container."""
    shutdown_grace_seconds: float = 10.0
    """How long work in flight may go on after SIGTERM."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: when to stop is the supervisor's decision."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def serve(app: ASGIApp, settings: ServerSettings, loops: Mapping[str, Loop]) -> bool:
    """Serves until SIGTERM or SIGINT, or until a loop dies. Returns whether everything ended well."""
    stop = asyncio.Event()
    running_loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running_loop.add_signal_handler(number, stop.set)
    config = uvicorn.Config(
        app,
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_grace_seconds),
    )
    server = _Server(config)

    async def http(stop: asyncio.Event) -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving

    listener = _listen(settings)
    # What was made so far lives as long as the process: full collections need not look at it again and again.
    gc.collect()
    gc.freeze()
    log.info("service_starting", host=settings.host, port=settings.port)
    healthy = await supervise({"http": http, **loops}, stop, settings.shutdown_grace_seconds)
    log.info("service_stopped", healthy=healthy)
    return healthy


def _listen(settings: ServerSettings) -> socket.socket:
    """Bound before anything else starts, so that a taken port is named with the variable that changes it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:  # OverflowError: no port has such a number
        raise ConfigurationError(f"PORT: cannot listen on {settings.host}:{settings.port}: {error}") from None


def run(main: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """The last line of a `__main__`: exit status 0 after a clean stop, 1 after a death, 2 for wrong settings."""
    try:
        healthy = uvloop.run(main())
    except ConfigurationError as error:
        print(f"configuration error: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0 if healthy else 1)
