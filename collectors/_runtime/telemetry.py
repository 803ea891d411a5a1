"""What happened in a collector: one function per fact, logging and counting at once."""

import math
from collections import Counter as Tally
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pipeline.chassis.tracing import add_event
from pipeline.events.canary import ArrivedCanary
from pipeline.events.dead_letter import DeadLetter

log = structlog.get_logger()

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Statistics(msgspec.Struct):
    """Running totals since start."""

    started_at: datetime
    delivered: int = 0
    stored: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    retries: int = 0
    batches: int = 0
    last_batch: "LastBatch | None" = None


class LastBatch(msgspec.Struct, frozen=True):
    """The transaction that was committed last."""

    at: datetime
    stored: int
    duplicates: int
    seconds: float


class CollectorTelemetry:
    """Counts under the service name `<source>-collector`."""

    def __init__(self, registry: CollectorRegistry, source: str) -> None:
        self.service = f"{source}-collector"
        self.source = source
        self.statistics = Statistics(started_at=datetime.now(UTC))
        labels = ["service", "source"]
        self._accepted = Counter("events_accepted", "Events delivered", labels, registry=registry)
        self._processed = Counter("events_processed", "Events committed", labels, registry=registry)
        self._failed = Counter(
            "events_failed", "Events dead-lettered or retried", [*labels, "error_type"], registry=registry
        )
        self._duplicates = Counter(
            "events_duplicate", "Events that were already stored", labels, registry=registry
        )
        self._redelivered = Counter(
            "batches_redelivered",
            "Record batches delivered, and not for the first time",
            labels,
            registry=registry,
        ).labels(self.service, source)
        self._duration = Histogram(
            "event_processing_duration_seconds",
            "Time from decoding a merged batch to its commit",
            labels,
            buckets=_SECONDS,
            registry=registry,
        )
        self._end_to_end = Histogram(
            "event_end_to_end_seconds",
            "Time from acceptance at the gateway to the commit, once per record batch",
            ["source"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._dead_letters = Counter(
            "dead_letters", "Events kept as dead letters", ["source", "reason"], registry=registry
        )
        self._lag_events = Gauge(
            "consumer_lag_events", "Events waiting, estimated from batches", ["source"], registry=registry
        )
        self._lag_seconds = Gauge(
            "consumer_lag_seconds",
            "Age of the oldest event that is not stored yet",
            ["source"],
            registry=registry,
        )
        self._catch_up = Gauge(
            "consumer_catch_up_seconds",
            "Time until nothing waits at the present pace; NaN while the backlog does not shrink",
            ["source"],
            registry=registry,
        )

    def delivered(self, events: int) -> None:
        """A message with so many events came in."""
        self._accepted.labels(self.service, self.source).inc(events)
        self.statistics.delivered += events
        self.statistics.batches += 1

    def redelivered(self) -> None:
        """A record batch came that some collector had before and did not settle."""
        self._redelivered.inc()

    def committed(self, stored: int, duplicates: int, seconds: float) -> None:
        """A transaction was committed."""
        self._processed.labels(self.service, self.source).inc(stored)
        self._duplicates.labels(self.service, self.source).inc(duplicates)
        self._duration.labels(self.service, self.source).observe(seconds)
        statistics = self.statistics
        statistics.stored += stored
        statistics.duplicates += duplicates
        statistics.last_batch = LastBatch(datetime.now(UTC), stored, duplicates, round(seconds, 4))
        log.debug("batch_committed", stored=stored, duplicates=duplicates, seconds=round(seconds, 4))

    def became_visible(self, received_at: datetime) -> None:
        """A record batch that was received then is in the reports now."""
        age = (datetime.now(UTC) - received_at).total_seconds()
        self._end_to_end.labels(self.source).observe(max(0.0, age))

    def canaries_stored(self, canaries: Sequence[ArrivedCanary]) -> None:
        """They have come through. Their senders count them: here they are no events."""
        for canary in canaries:
            log.debug("canary_stored", sender=canary.sender, number=canary.number)

    def canaries_refused(self, error: Exception) -> None:
        """Postgres refuses the canaries themselves: somebody else made them."""
        log.error("canaries_refused", error=str(error))

    def dead_lettered(self, letters: Sequence[DeadLetter]) -> None:
        """So many events of one write are kept as dead letters. One line for each reason, with the first of them."""
        self.statistics.dead_lettered += len(letters)
        tally = Tally(letter.rejection.reason for letter in letters)
        for letter in letters:
            reason = letter.rejection.reason
            if events := tally.pop(reason, 0):
                self._failed.labels(self.service, self.source, reason.value).inc(events)
                self._dead_letters.labels(self.source, reason.value).inc(events)
                add_event("dead_lettered", {"sluice.reason": reason.value, "sluice.events": events})
                log.warning(
                    "events_dead_lettered",
                    reason=reason.value,
                    events=events,
                    correlation_id=letter.correlation_id,
                    detail=letter.rejection.detail,
                )

    def retrying(self, events: int, error: Exception, pause_seconds: float) -> None:
        self._failed.labels(self.service, self.source, "transient").inc(events)
        self.statistics.retries += 1
        add_event(
            "retry", {"error.type": type(error).__name__, "sluice.pause_seconds": round(pause_seconds, 2)}
        )
        log.warning("write_retrying", events=events, error=str(error), pause_seconds=round(pause_seconds, 2))

    def lag(self, batches: int, seconds: float, seconds_to_catch_up: float | None) -> int:
        """So many batches wait. Returns the events in them, estimated from the batches seen so far."""
        statistics = self.statistics
        events = max(batches, round(batches * statistics.delivered / max(1, statistics.batches)))
        self._lag_events.labels(self.source).set(events)
        self._lag_seconds.labels(self.source).set(seconds)
        self._catch_up.labels(self.source).set(
            math.nan if seconds_to_catch_up is None else seconds_to_catch_up
        )
        return events
