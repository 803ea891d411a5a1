"""What the health check makes of a readiness probe's answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from ops.local import health, settings
from ops.local.health import Health
from ops.local.services import Service


@contextmanager
def probe(status: int, document: dict[str, Any]) -> Iterator[int]:
    """A service that answers this; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:  # type: ignore[override]
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(status: int, *checks: tuple[str, bool, str]) -> Health:
    body = {"checks": [{"name": name, "ready": ready, "detail": detail} for name, ready, detail in checks]}
    with probe(status, body) as port:
        local = settings.read({"GATEWAY_PORT": str(port)})
        return health.of_service(Service("gateway", ("gateway",), "GATEWAY_PORT", 3001), local)


def test_one_that_is_ready_says_where_it_is() -> None:
    row = asked(200, ("nats", True, "answers"))
    assert (row.ready, row.degraded) == (True, False)
    assert row.detail.startswith("http://127.0.0.1:")


def test_one_that_is_degraded_is_ready_and_says_what_it_is_without() -> None:
    row = asked(200, ("nats", True, "answers"), ("redis", False, "refused"))
    assert (row.ready, row.degraded) == (True, True)
    assert row.detail.endswith("degraded: redis: refused")


def test_one_that_is_not_ready_names_what_fails() -> None:
    row = asked(503, ("nats", False, "not connected"), ("postgres", True, "answers"))
    assert (row.ready, row.detail) == (False, "nats: not connected")
