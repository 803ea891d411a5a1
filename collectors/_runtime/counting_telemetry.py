"""What happened to the live counters: one function per fact, logging and counting at once."""

from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from pipeline.live import Rebuilt

log = structlog.get_logger()

Reason = Literal["unbuilt", "restarted", "damaged", "outdated"]
"""Why counters are built anew: there are none; Redis was restarted; a key is not ours; updates went missing."""


class CountingTelemetry:
    """What one collector does about the counters of its source."""

    def __init__(self, registry: CollectorRegistry, source: str) -> None:
        self._source = source
        self._applied = Counter(
            "live_updates_applied", "Updates that are in the live counters now", ["source"], registry=registry
        )
        self._pending = Gauge(
            "live_updates_pending", "Updates that wait for the live counters", ["source"], registry=registry
        )
        self._rebuilds = Counter(
            "live_rebuilds",
            "Times that the live counters were built from Postgres",
            ["source", "reason"],
            registry=registry,
        )

    def applied(self, updates: int) -> None:
        """So many updates are in the counters, perhaps some of them since an attempt before."""
        self._applied.labels(self._source).inc(updates)

    def pending(self, updates: int) -> None:
        self._pending.labels(self._source).set(updates)

    def rebuilt(self, reason: Reason, made: Rebuilt) -> None:
        self._rebuilds.labels(self._source, reason).inc()
        log.info(
            "live_counters_rebuilt",
            reason=reason,
            keys=made.keys,
            events=made.events,
            updates=made.updates,
            seconds=round(made.seconds, 3),
        )

    def waiting(self, error: Exception, pause_seconds: float) -> None:
        """Redis or Postgres is away; the updates wait in Postgres."""
        log.warning("live_updates_waiting", error=str(error), pause_seconds=round(pause_seconds, 2))

    def gave_up(self, updates: int) -> None:
        """Too many updates wait: they are gone, and the counters will be built anew."""
        self._pending.labels(self._source).set(0)
        log.warning("live_updates_given_up", updates=updates)

    def backlog_unknown(self, error: Exception) -> None:
        """Postgres does not tell how many updates wait."""
        log.warning("live_backlog_unknown", error=str(error))
