"""uvicorn's HTTP protocol with deadlines: for the head, the body, the answer and the pause between requests.

uvicorn itself waits for ever: one byte a second keeps a connection, and a route that never reads a body never ends
one. What is relied on in uvicorn's class is written down in `tests/unit/chassis/test_uvicorn.py`.
"""

import asyncio
import fcntl
import struct
import termios
from enum import Enum
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from pipeline.chassis.connections import Connections, Room
from pipeline.chassis.discarding import Discarding
from pipeline.chassis.lingering import LingeringTransport
from pipeline.chassis.refusals import refusal, too_many_connections
from pipeline.chassis.websockets import keep_little_unsent

SCOPE_KEY = "connection"
"""Where a request finds its connection: `scope["state"]["connection"]`."""

_PROBES = (b"/health/", b"/metrics")
_SMALL_REST_BYTES = 64 * 1024
_SPARE_HEADER_SECONDS = 2.0


class _Phase(Enum):
    OPEN = 1
    """Nothing was asked yet."""
    HEAD = 2
    BODY = 3
    COMPLETE = 4
    """The last request came in whole: it is being worked at, or it is answered and the connection is idle."""


class _HeadTooLarge(Exception):
    pass


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `enforce` is called about once a second."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        open_connections: Connections,
    ) -> None:
        super().__init__(config, server_state, {**app_state, SCOPE_KEY: self}, _loop)
        self._all = open_connections
        self._settings = open_connections.settings
        self._spare = False
        self._phase = _Phase.OPEN
        self.since = self.loop.time()
        self._received = self._chunk_start = self._head_start = self._body_start = 0
        self._head_too_large = False
        self._discarding: Discarding | None = None

    # What the server and the service ask

    @property
    def all(self) -> Connections:
        """All connections of the server."""
        return self._all

    @property
    def is_idle(self) -> bool:
        return self._phase in (_Phase.OPEN, _Phase.COMPLETE) and not self._at_work

    @property
    def ends_with_this_answer(self) -> bool:
        """Whether the answer that is about to begin must be the last one of its connection.

        It must when most of the body has not come: its sender is told to stop, and one that goes on all the same
        gets its answer (see `Discarding`). The small rest of a small body is not worth a new connection.
        """
        if self._all.draining or self._spare:
            return True
        if self._phase is not _Phase.BODY or self.pipeline:
            return False
        return self.cycle.waiting_for_100_continue or self._rest_of_body() > _SMALL_REST_BYTES

    def will_stream(self) -> None:
        """The answer to this request goes on for as long as its client stays."""
        keep_little_unsent(self._lingering.inner)

    def enforce(self, now: float) -> None:
        settings, waited = self._settings, now - self.since
        if self._lingering.is_not_taken(now, settings.answer_timeout_seconds):
            self._all.refused["answer_not_taken"] += 1
            self._lingering.abort()
        elif self._discarding is not None:
            self._discarding.enforce(now)
        elif self._phase is _Phase.BODY:
            if not self.flow.read_paused and self._body_is_overdue(waited):
                limit = f"{settings.body_timeout_seconds:g} s (BODY_TIMEOUT_SECONDS)"
                detail = f"not received within {limit}, or too slowly for that"
                self._refuse("slow_body", 408, "body-too-slow", detail)
        elif self._at_work:
            return
        elif self._phase is _Phase.COMPLETE:
            if waited > settings.keep_alive_seconds:
                self.hang_up()
        elif waited > self._head_seconds:
            if self._received:
                detail = f"not received within {self._head_seconds:g} s (HEADER_TIMEOUT_SECONDS)"
                self._refuse("slow_head", 408, "head-too-slow", detail)
            else:
                self._all.refused["silent"] += 1
                self.transport.close()

    def hang_up(self) -> bool:
        waiting = bytes(4)
        descriptor = self.transport.get_extra_info("socket").fileno()
        if descriptor >= 0:
            waiting = fcntl.ioctl(descriptor, termios.FIONREAD, waiting)
        # What is in the kernel already was sent before the client could know: it is answered, for the last time.
        if struct.unpack("i", waiting)[0]:
            return False
        self.transport.close()
        return True

    def shutdown(self) -> None:
        """The connection ends with the answer that it owes, and when it owes none, after a short silence."""
        if self._at_work:
            self.cycle.keep_alive = False

    def cut(self) -> bool:
        if not self._at_work or self.cycle.response_started:
            self._lingering.abort()
            return self._at_work
        is_whole = self._phase is _Phase.COMPLETE
        self._refuse("stopping", 503, "unavailable", "the service is stopping: send it again")
        return is_whole

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._lingering = LingeringTransport(cast("asyncio.Transport", transport), self._end)
        super().connection_made(self._lingering)
        room = self._all.admit(self)
        self._spare = room is Room.SPARE
        if room is Room.NONE:
            self._all.refused["no_room"] += 1
            self._lingering.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.remove(self)
        self._all.discarding -= self._discarding is not None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._discarding is not None:
            self._discarding.discard(len(data))
            return
        self._chunk_start = self._received
        self._received += len(data)
        super().data_received(data)
        if (
            self._phase is _Phase.HEAD
            and self._received - self._head_start > self._settings.header_size_limit
        ):
            self._refuse_large_head()

    def handle_websocket_upgrade(self) -> None:
        reason = "too many connections (CONNECTIONS_MAX)" if self._spare else self._all.websocket_refusal()
        if reason:
            self._refuse("no_websocket", 503, "unavailable", reason)
            return
        self._all.remove(self)
        self.transport = self._lingering.inner
        # A WebSocket may stay for days: it does not keep what has parsed its first request.
        self.app_state = {name: value for name, value in self.app_state.items() if name != SCOPE_KEY}
        super().handle_websocket_upgrade()

    # What the parser tells

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_start = self._chunk_start
        if self._phase is _Phase.COMPLETE:
            self.since = self.loop.time()
        self._phase = _Phase.HEAD

    def on_headers_complete(self) -> None:
        size = self._received - self._head_start
        if size > self._settings.header_size_limit and self._head_size() > self._settings.header_size_limit:
            self._head_too_large = True
            raise _HeadTooLarge  # the parser turns it into the error that calls send_400_response
        if self._spare and not self.url.startswith(_PROBES):
            self._all.refused["no_room"] += 1
            self.app = cast("Any", too_many_connections)
        super().on_headers_complete()
        self._phase = _Phase.BODY
        self._body_start = self._chunk_start
        self.since = self.loop.time()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._phase is _Phase.BODY:
            self._phase = _Phase.COMPLETE
            self.since = self.loop.time()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._phase is _Phase.COMPLETE:
            self.since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        if self._at_work and self._phase is not _Phase.BODY:
            # The request before is sound: it is answered, and then the connection ends.
            self._all.refused["malformed"] += self.cycle.keep_alive
            self.cycle.keep_alive = False
        elif self._head_too_large:
            self._refuse_large_head()
        else:
            self._refuse("malformed", 400, "malformed-request", "this is not HTTP/1.1")

    # How it ends

    def _refuse(self, rule: str, status: int, kind: str, detail: str) -> None:
        """Answers instead of the service, which is told that its client has gone."""
        self._all.refused[rule] += 1
        answer_is_owed = self._phase is not _Phase.BODY or not self.cycle.response_started
        if self._at_work:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if answer_is_owed:
            self.transport.write(refusal(status, kind, detail))
        self.transport.close()

    def _refuse_large_head(self) -> None:
        limit = self._settings.header_size_limit
        detail = f"the head of the request is larger than {limit} bytes (HEADER_SIZE_LIMIT)"
        self._refuse("large_head", 431, "head-too-large", detail)

    def _end(self) -> None:
        """uvicorn or we have closed the transport."""
        if self._lingering.inner.is_closing():
            return  # the client was first
        if self._phase in (_Phase.OPEN, _Phase.COMPLETE):
            self._lingering.inner.close()
            return
        self._all.discarding += 1
        self._discarding = Discarding(self._lingering, self._all, self.loop)
        self.flow.resume_reading()

    # What is the case

    @property
    def _at_work(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        return cycle is not None and not cycle.response_complete and not cycle.disconnected

    @property
    def _head_seconds(self) -> float:
        limit = self._settings.header_timeout_seconds
        return min(limit, _SPARE_HEADER_SECONDS) if self._spare else limit

    def _body_is_overdue(self, waited: float) -> bool:
        settings = self._settings
        if waited <= settings.header_timeout_seconds:
            return False
        came = self._received - self._body_start
        return waited > settings.body_timeout_seconds or came < waited * settings.body_bytes_per_second_min

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _rest_of_body(self) -> float:
        """Bytes that have not come yet; without a Content-Length it may be any number."""
        announced = next((value for name, value in self.headers if name == b"content-length"), b"")
        return int(announced) - (self._received - self._body_start) if announced.isdigit() else float("inf")
