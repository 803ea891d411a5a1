"""Settings of notifications at the gateway. The chassis has those of WebSockets as such."""

import msgspec


class NotificationSettings(msgspec.Struct, frozen=True):
    notification_queue_max: int = 1000
    """Messages that wait for one client at most; one that is further behind is closed as a slow reader."""
    notification_slow_seconds: float = 10.0
    """A client that takes nothing for so long while something waits for it is closed as a slow reader."""
    notification_token_seconds: float = 5.0
    """How long a WebSocket may be open before its client has shown a token."""
    notification_connections_per_user: int = 20
    """Connections of one user at one gateway."""
    notification_topics_max: int = 100
    """Topics that one connection may follow."""
    notification_resumes_at_once: int = 32
    """Clients whose missed notifications are read from the stream at the same time; the others wait."""
    event_streams_max: int = 200
    """Open streams of server-sent events at one gateway. Each is one of its CONNECTIONS_MAX."""
    event_stream_heartbeat_seconds: float = 15.0
    """A stream of server-sent events is never silent for longer, so that no proxy takes it for dead."""
