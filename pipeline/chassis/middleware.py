"""The outermost layer of every service: correlation id in and out, one duration per request."""

import time

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.chassis.correlation import HEADER, begin_correlation
from pipeline.chassis.metrics import ServiceMetrics

_HEADER = HEADER.lower().encode()


def with_correlation_and_metrics(app: ASGIApp, metrics: ServiceMetrics) -> ASGIApp:
    """Wraps the whole app, so that answers of its error handlers are covered too."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        started = time.perf_counter()
        candidate = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        correlation_id = begin_correlation(candidate.decode("latin-1")).encode()
        status = 500

        async def send_with_correlation(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (_HEADER, correlation_id)]
            await send(message)

        try:
            await app(scope, receive, send_with_correlation)
        finally:
            # Litestar leaves the template of the matched route in the scope; a path would be an open label.
            route = scope.get("path_template") or "unmatched"
            metrics.request_answered(scope["method"], route, status, time.perf_counter() - started)

    return wrapped
