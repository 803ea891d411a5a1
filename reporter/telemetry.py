"""What the reporter counts and logs: one function per fact (DESIGN §5)."""

import structlog
from prometheus_client import Counter, Gauge, Histogram

from pipeline.chassis.metrics import ServiceMetrics
from pipeline.errors import TransientError
from reporter.freshness import Freshness

log = structlog.get_logger()

SERVICE = "reporter"
_REPORT_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class ReporterTelemetry:
    """The reporter's own metrics beside those of every service."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        self._durations = Histogram(
            "report_duration_seconds",
            "Time to make a report, without sending it",
            ["report_type"],
            buckets=_REPORT_BUCKETS,
            registry=metrics.registry,
        )
        self._lag = Gauge(
            "report_data_lag_seconds",
            "X-Data-Lag-Seconds of the latest report",
            ["report_type"],
            registry=metrics.registry,
        )
        self._folded = Counter(
            "audience_segments_folded", "Audience segments folded", ["source"], registry=metrics.registry
        )
        self._rolled = Counter(
            "audience_buckets_rolled_up",
            "Hours and days of audiences rolled up",
            ["source"],
            registry=metrics.registry,
        )
        self._fold_failures = Counter(
            "audience_fold_failures",
            "Folds that failed and are tried again",
            ["source"],
            registry=metrics.registry,
        )

    def report_made(self, report_type: str, seconds: float, freshness: Freshness | None = None) -> None:
        """`freshness` is None for a report that is not made of what collectors store."""
        self._durations.labels(report_type).observe(seconds)
        if freshness is None:
            log.debug("report_made", report_type=report_type, seconds=seconds)
            return
        self._lag.labels(report_type).set(freshness.lag_seconds)
        log.debug("report_made", report_type=report_type, seconds=seconds, lag_seconds=freshness.lag_seconds)

    def folded(self, source: str, segments: int, buckets: int) -> None:
        self._folded.labels(source).inc(segments)
        self._rolled.labels(source).inc(buckets)
        log.debug("audience_folded", source=source, segments=segments, buckets=buckets)

    def fold_failed(self, source: str, error: Exception) -> None:
        self._fold_failures.labels(source).inc()
        if isinstance(error, TransientError):
            log.warning("audience_fold_failed", source=source, error=str(error))
        else:
            log.error("audience_fold_failed", source=source, exc_info=error)
