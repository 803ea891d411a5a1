"""Settings of the HTTP server that every service has."""

import msgspec

from pipeline.chassis.settings import ByteSize


class ServerSettings(msgspec.Struct, frozen=True):
    port: int
    """TCP port that the service listens on."""
    host: str = "127.0.0.1"
    """Address that the service listens on; 0.0.0.0 in a container."""
    header_timeout_seconds: float = 10.0
    """How long a sender may take for the head of a request."""
    header_size_limit: ByteSize = ByteSize(32 * 1024)
    """The largest head of a request, first line and headers; above it 431."""
    body_timeout_seconds: float = 30.0
    """How long a sender may take for the body of a request, whether the route reads it or not."""
    body_bytes_per_second_min: int = 1024
    """A body that comes in more slowly than this is given up once HEADER_TIMEOUT_SECONDS have passed."""
    answer_timeout_seconds: float = 30.0
    """How long a client may take none of its answer before the connection is cut."""
    keep_alive_seconds: float = 75.0
    """How long a connection may be idle between two requests. Longer than the pools of clients and load balancers
    keep theirs (usually 5 to 60 s), so that they close first and never send into a closing connection."""
    connections_max: int = 800
    """Open connections; above it only probes are answered, and everything else with 503."""
    websockets_max: int = 4000
    """Open WebSockets, counted apart from CONNECTIONS_MAX; above it an upgrade is answered with 503."""
    websocket_message_limit: ByteSize = ByteSize(16 * 1024)
    """The largest message that a client may send over a WebSocket; a larger one closes it (1009)."""
    websocket_ping_seconds: float = 20.0
    """A WebSocket is pinged so long after the last pong."""
    websocket_pong_seconds: float = 20.0
    """How long a client may take to answer a ping before its WebSocket is closed (1011)."""
    discard_bytes_max: ByteSize = ByteSize(64 * 1024**2)
    """How much of a body is still taken and thrown away after its answer, so that its sender sees the answer."""
    shutdown_delay_seconds: float = 0.5
    """After SIGTERM readiness is red for so long before the listener closes: load balancers notice meanwhile."""
    shutdown_grace_seconds: float = 10.0
    """How long work in flight may go on after that."""
