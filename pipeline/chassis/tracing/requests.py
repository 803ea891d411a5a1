"""The span of one HTTP request, by the names of OpenTelemetry's conventions for HTTP servers.

Neither the path nor the query is recorded: they may name a person. The route tells which door it was.
"""

from litestar.types import HTTPScope

from pipeline.chassis.tracing.active import begin_span, leave
from pipeline.chassis.tracing.context import request_context
from pipeline.chassis.tracing.spans import Span, Value

_UNTRACED = ("/health/", "/metrics")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


def begin_request(scope: HTTPScope) -> Span | None:
    """The span of a request that is traced: what is done in its task becomes a part of it."""
    if scope["path"].startswith(_UNTRACED):
        leave()
        return None
    return begin_span(_name(scope), "server", lambda: request_context(scope["headers"]))


def end_request(span: Span, scope: HTTPScope, route: str, status: int, correlation_id: str) -> None:
    """Ends it with what is known only now. A status of 500 and above is an error of ours."""
    attributes: dict[str, Value] = {
        "http.request.method": _method(scope),
        "http.route": route,
        "http.response.status_code": status,
        "url.scheme": "https" if scope["scheme"] == "https" else "http",
        "network.protocol.version": scope["http_version"],
        "sluice.correlation_id": correlation_id,
    }
    span.rename(f"{_name(scope)} {route}")
    span.describe(attributes)
    span.end(str(status) if status >= 500 else "")
    leave()


def _name(scope: HTTPScope) -> str:
    return "HTTP" if (method := _method(scope)) == "_OTHER" else method


def _method(scope: HTTPScope) -> str:
    """Callers may invent methods."""
    return scope["method"] if scope["method"] in _METHODS else "_OTHER"
