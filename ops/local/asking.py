"""Asking a server or a service on this machine how it is, with the standard library only."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any, cast

from ops.local.ports import LOOPBACK

ANSWER_SECONDS = 3.0
"""How long a local server may take to answer a probe."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with a JSON body (`{}` when the body is something else)."""

    status: int
    body: dict[str, Any]


def http_get(port: int, path: str, timeout_seconds: float = ANSWER_SECONDS) -> Answer | str:
    """GET a path on the loopback interface: the answer, or in a few words why there is none."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on port {port} ({type(error).__name__})"
    finally:
        connection.close()
    try:
        body: Any = json.loads(text)
    except ValueError:
        body = {}
    return Answer(response.status, cast("dict[str, Any]", body) if isinstance(body, dict) else {})


def talk(port: int, request: bytes, timeout_seconds: float = ANSWER_SECONDS) -> bytes | str:
    """Send bytes over TCP and return the first bytes that come back, or in a few words why none did."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_seconds) as connection:
            connection.sendall(request)
            return connection.recv(4096)
    except OSError as error:
        return f"no answer on port {port} ({type(error).__name__})"
