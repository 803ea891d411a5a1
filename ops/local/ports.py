"""TCP ports on the loopback interface: which are free, and who holds one."""

import random
import socket
from collections import deque
from collections.abc import Container

import psutil

LOOPBACK = "127.0.0.1"
PRIVATE_PORTS = range(20_000, 30_000)
"""Where embedded servers live: below the ephemeral range of Linux (32768 up), so that an outgoing
connection of some other program never sits on a port that was remembered from the last start."""

_given: deque[int] = deque(maxlen=1_000)
"""Given away by this process: whoever got one may not listen on it yet, or may want to come back to it."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: a closing connection is no obstacle
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError:
            return False
    return True


def choose_free(avoid: Container[int] = ()) -> int:
    """A free private port. Random, so that two projects that start at once rarely pick the same one."""
    for port in random.sample(PRIVATE_PORTS, k=len(PRIVATE_PORTS)):
        if port not in avoid and port not in _given and is_free(port):
            _given.append(port)
            return port
    raise RuntimeError(f"no free port between {PRIVATE_PORTS.start} and {PRIVATE_PORTS.stop}")


def holder(port: int) -> str | None:
    """Name and id of the process that listens on a port, as far as this user may see it."""
    for process in psutil.process_iter(["name", "pid"]):
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
            return f"{process.info['name']}, process {process.info['pid']}"
    return None
