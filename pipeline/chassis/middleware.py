"""The outermost layer of every service: correlation id in and out, one duration and perhaps one span per request, the
last answer of a connection marked as such."""

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.chassis.connection_metrics import ConnectionMetrics
from pipeline.chassis.correlation import HEADER, begin_correlation
from pipeline.chassis.health import CheckResult, Readiness
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.tracing import begin_request, end_request, is_on

if TYPE_CHECKING:
    from pipeline.chassis.protocol import GuardedProtocol

_HEADER = HEADER.lower().encode()
_CLOSE = (b"connection", b"close")
_READY = "/health/ready"


def with_correlation_and_metrics(app: ASGIApp, metrics: ServiceMetrics) -> ASGIApp:
    """Wraps the whole app, so that answers of its error handlers are covered too."""
    shown = ConnectionMetrics(metrics.service, metrics.registry)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await app(scope, receive, _with_correlation(scope["headers"], send))
            return
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started = time.perf_counter()
        correlation_id = _begin_correlation(scope["headers"])
        span = begin_request(scope) if is_on() else None
        status = 500
        # Put there by our server; a test client has none.
        connection: GuardedProtocol | None = scope.get("state", {}).get("connection")
        if connection is not None:
            shown.connections = connection.all

        async def send_with_correlation(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_HEADER, correlation_id)]
                if connection is not None and connection.ends_with_this_answer:
                    message["headers"].append(_CLOSE)
            await send(message)

        try:
            if connection is not None and connection.all.draining and scope["path"] == _READY:
                scope["path_template"] = _READY
                await _answer_stopping(send_with_correlation)
            else:
                await app(scope, receive, send_with_correlation)
        except asyncio.CancelledError:
            if connection is None or not connection.all.were_cut:
                raise
            # The server has answered this request itself: nothing more is to be said.
        finally:
            # Litestar leaves the template of the matched route in the scope; a path would be an open label.
            route = scope.get("path_template") or "unmatched"
            metrics.request_answered(scope["method"], route, status, time.perf_counter() - started)
            if span is not None:
                end_request(span, scope, route, status, correlation_id.decode())

    return wrapped


def _begin_correlation(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    candidate = next((value for name, value in headers if name == _HEADER), b"")
    return begin_correlation(candidate.decode("latin-1")).encode()


def _with_correlation(headers: Iterable[tuple[bytes, bytes]], send: Send) -> Send:
    """The id goes into the answer to the handshake. A WebSocket is no request, and not measured as one."""
    correlation_id = _begin_correlation(headers)

    async def send_with_correlation(message: Message) -> None:
        if message["type"] == "websocket.accept" or message["type"] == "websocket.http.response.start":
            message["headers"] = [*message.get("headers", ()), (_HEADER, correlation_id)]
        await send(message)

    return send_with_correlation


async def _answer_stopping(send: Send) -> None:
    """Red before the listener closes, so that nobody sends new requests here."""
    check = CheckResult("stopping", False, "the service was asked to stop", 0.0)
    body = msgspec.json.encode(Readiness(status="not ready", ready=False, checks=[check]))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
