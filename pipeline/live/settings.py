"""Settings of everything that talks to Redis."""

import msgspec

from pipeline.chassis.settings import ByteSize


class LiveSettings(msgspec.Struct, frozen=True):
    redis_url: str = ""
    """redis:// or rediss://user:password@host:port/database. Empty: there are no live counters."""
    redis_tls_ca: str = ""
    """The authority by which the server's certificate is verified, with rediss://. Empty: those of the machine."""
    redis_timeout_seconds: float = 1.0
    """How long Redis may take to answer before it counts as away."""
    live_interval_seconds: float = 0.1
    """Updates are read from Postgres at least so far apart; after a pause at once."""
    live_poll_seconds: float = 1.0
    """How often a collector looks for updates of which it was not told, such as another's that has died."""
    live_backlog_updates: int = 50_000
    """Updates of a source that wait at most; above it they are given up, and the counters are built anew."""
    live_backlog_bytes: ByteSize = ByteSize(256 * 1024**2)
    """The same as their size in Postgres, compressed: one update of social actions may tell of thousands of posts."""
    live_hold_seconds: float = 10.0
    """How long a rebuild that has died keeps updates from being applied."""
