"""What the alerts service counts and logs: one function per fact."""

from collections.abc import Sequence

import structlog
from prometheus_client import Counter, Gauge, Histogram

from pipeline.chassis.metrics import ServiceMetrics
from pipeline.errors import TransientError

log = structlog.get_logger()

SERVICE = "alerts"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class AlertTelemetry:
    """Rules have names of the operator's making, a closed set; subjects are in the log and never in a label."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        registry = metrics.registry
        self._alerts = Counter("alerts", "Alerts raised", ["rule", "kind"], registry=registry)
        self._cleared = Counter("alerts_cleared", "Alerts cleared", ["rule", "kind"], registry=registry)
        self._turns = Histogram(
            "alert_evaluation_seconds",
            "Time of one look at what has changed",
            buckets=_SECONDS,
            registry=registry,
        )
        self._facts = Counter("alert_facts_folded", "Stored batches that were looked at", registry=registry)
        self._late = Counter(
            "alert_late_likes", "Likes of longer ago than ALERT_FACTS_HOURS, not judged", registry=registry
        )
        self._failures = Counter(
            "alert_evaluation_failures", "Looks that failed and are repeated", registry=registry
        )
        self._holder = Gauge("alert_evaluator", "1 while this process is the evaluator", registry=registry)
        self._refused = Counter(
            "alert_rules_refused", "Rules files that could not be used", registry=registry
        )
        self._deliveries = Counter(
            "alert_deliveries",
            "Attempts to tell somebody of an alert",
            ["channel", "outcome"],
            registry=registry,
        )

    def raised(self, rule: str, kind: str, subject: str, details: object) -> None:
        self._alerts.labels(rule, kind).inc()
        log.info("alert_raised", rule=rule, kind=kind, subject=subject, details=details)

    def cleared(self, rule: str, kind: str, subject: str) -> None:
        self._cleared.labels(rule, kind).inc()
        log.info("alert_cleared", rule=rule, kind=kind, subject=subject)

    def folded(self, batches: int, late_likes: int) -> None:
        self._facts.inc(batches)
        self._late.inc(late_likes)

    def turned(self, seconds: float) -> None:
        self._turns.observe(seconds)

    def evaluator(self, holds: bool) -> None:
        self._holder.set(holds)

    def turn_failed(self, error: Exception) -> None:
        self._failures.inc()
        if isinstance(error, TransientError):
            log.warning("alert_evaluation_failed", error=str(error))
        else:
            log.error("alert_evaluation_failed", exc_info=error)

    def sources_unknown(self, error: Exception) -> None:
        """NATS does not tell how many dead letters there are: nothing is said of error rates meanwhile."""
        log.warning("dead_letters_unknown", error=str(error))

    def rules_read(self, names: Sequence[str]) -> None:
        log.info("alert_rules_in_force", rules=names)

    def rules_refused(self, error: Exception) -> None:
        self._refused.inc()
        log.error("alert_rules_refused", error=str(error), in_force="the rules before")

    def delivered(self, channel: str, alert_id: str, attempt: int) -> None:
        self._deliveries.labels(channel, "delivered").inc()
        log.info("alert_delivered", channel=channel, alert_id=alert_id, attempt=attempt)

    def delivery_failed(
        self, channel: str, alert_id: str, attempt: int, error: str, pause_seconds: float
    ) -> None:
        self._deliveries.labels(channel, "failed").inc()
        log.warning(
            "alert_delivery_failed",
            channel=channel,
            alert_id=alert_id,
            attempt=attempt,
            error=error,
            pause_seconds=round(pause_seconds, 1),
        )

    def delivery_dead(self, channel: str, alert_id: str, attempt: int, error: str) -> None:
        self._deliveries.labels(channel, "dead").inc()
        log.error("alert_delivery_dead", channel=channel, alert_id=alert_id, attempt=attempt, error=error)

    def deliveries_waiting(self, error: Exception) -> None:
        """Postgres does not tell what is to be delivered."""
        log.warning("alert_deliveries_waiting", error=str(error))
