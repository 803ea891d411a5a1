"""A receiver of traces: OTLP over HTTP, as an OpenTelemetry Collector speaks it, that keeps what it is sent."""

import gzip
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


class Received(NamedTuple):
    """One span. Ids are hexadecimal; `parent` is empty at the root; `links` are (trace, span)."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: list[tuple[str, str]]
    events: list[str]
    attributes: dict[str, Any]
    failed: bool
    state: str

    @property
    def here(self) -> tuple[str, str]:
        """As a link names it."""
        return self.trace, self.id


class Receiver:
    """Listens as long as the `with` block."""

    def __init__(self, port: int = 0) -> None:
        self.spans: list[Received] = []
        self.headers: list[Mapping[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def named(self, name: str) -> list[Received]:
        """The spans of this name that came so far."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Received:
        """The only span of this name. Raises AssertionError while there is none, or when there are more."""
        found = self.named(name)
        assert len(found) == 1, f"{len(found)} of {name!r} among {[span.name for span in self.spans]}"
        return found[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                status = 200 if self.path == "/v1/traces" else 404
                if status == 200:
                    receiver.headers.append(dict(self.headers))
                    receiver.spans += _spans(ExportTraceServiceRequest.FromString(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
                pass

        return Handler


def _spans(request: Any) -> list[Received]:
    return [
        Received(
            service=_attributes(resource.resource.attributes)["service.name"],
            name=span.name,
            kind=KINDS[span.kind],
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
            events=[event.name for event in span.events],
            attributes=_attributes(span.attributes),
            failed=span.status.code == 2,
            state=span.trace_state,
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}
