"""What happened to notifications on their way out: one function per fact, logging and counting at once."""

import structlog
from prometheus_client import CollectorRegistry, Counter

log = structlog.get_logger()


class NotifyingTelemetry:
    """Of one collector."""

    def __init__(self, registry: CollectorRegistry, source: str) -> None:
        self._published = Counter(
            "notifications_published",
            "Notifications that are in the stream, perhaps some of them since an attempt before",
            ["source"],
            registry=registry,
        ).labels(source)

    def published(self, notices: int) -> None:
        self._published.inc(notices)

    def waiting(self, error: Exception, pause_seconds: float) -> None:
        """NATS or Postgres is away; what is to be told waits in Postgres."""
        log.warning("notifications_waiting", error=str(error), pause_seconds=round(pause_seconds, 2))
