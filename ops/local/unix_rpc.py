"""XML-RPC over a Unix socket, which is how the process manager is talked to."""

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 30.0
"""The process manager answers at once unless the machine is out of breath."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


def proxy(path: Path) -> Any:
    """The methods behind a socket. Each call connects anew; OSError when nobody listens."""
    return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(path))
