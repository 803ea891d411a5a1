"""What happened at the gateway: one function per fact, logging and counting at once."""

from collections import Counter as Tally
from collections.abc import Iterable

import structlog
from prometheus_client import CollectorRegistry, Counter

from pipeline.events.reasons import Reason

log = structlog.get_logger()

SERVICE = "gateway"
UNKNOWN_SOURCE = "unknown"


class GatewayTelemetry:
    """Counts under the service name `gateway`. `source` is a registered one, or `unknown`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["service", "source"]
        self._accepted = Counter("events_accepted", "Events received and valid", labels, registry=registry)
        self._processed = Counter(
            "events_processed", "Events acknowledged by JetStream", labels, registry=registry
        )
        self._failed = Counter(
            "events_failed", "Events invalid or refused", [*labels, "error_type"], registry=registry
        )
        self._dead_letters = Counter(
            "dead_letters", "Events kept as dead letters", ["source", "reason"], registry=registry
        )

    def accepted(self, source: str, events: int) -> None:
        self._accepted.labels(SERVICE, source).inc(events)

    def published(self, source: str, events: int) -> None:
        self._processed.labels(SERVICE, source).inc(events)

    def not_published(self, source: str, events: int, error: Exception) -> None:
        self._failed.labels(SERVICE, source, "unavailable").inc(events)
        log.warning("events_not_published", source=source, events=events, error=str(error))

    def forbidden(self, source: str, events: int) -> None:
        """Events whose sender may not send them: they are refused, and not kept."""
        self._failed.labels(SERVICE, source, "forbidden").inc(events)

    def rejected(self, rejections: Iterable[tuple[str, Reason]]) -> None:
        """The bad events of one request, as (source, reason)."""
        tally = Tally(rejections)
        for (source, reason), events in tally.items():
            self._failed.labels(SERVICE, source, reason.value).inc(events)
            self._dead_letters.labels(source, reason.value).inc(events)
        log.info(
            "events_rejected", **{f"{source}.{reason}": count for (source, reason), count in tally.items()}
        )
