"""What happened to canaries: one function per fact, logging and counting at once."""

from collections.abc import Callable, Iterable, Mapping

import structlog
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from reporter.canary.sending import Sending

log = structlog.get_logger()


class CanaryTelemetry:
    """Counts by source. Of what lasts, the beginning and the end are logged."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._canaries = Counter(
            "pipeline_canaries",
            "Canaries by what became of them: accepted, refused or unreachable at the gateway; found once stored",
            ["source", "outcome"],
            registry=registry,
        )
        self._turned_away: set[str] = set()
        self._blind = False

    def sent(self, source: str, sending: Sending) -> None:
        """The gateway took it, or did not."""
        self._canaries.labels(source, sending.outcome).inc()
        if sending.outcome == "accepted":
            if source in self._turned_away:
                self._turned_away.discard(source)
                log.info("canaries_accepted_again", source=source)
        elif source not in self._turned_away:
            self._turned_away.add(source)
            log.warning("canary_not_accepted", source=source, outcome=sending.outcome, detail=sending.detail)

    def found(self, source: str, seconds: float) -> None:
        """It came through, so many seconds after it was sent."""
        self._canaries.labels(source, "found").inc()
        log.debug("canary_found", source=source, seconds=round(seconds, 3))

    def looked(self) -> None:
        """Postgres answered."""
        if self._blind:
            self._blind = False
            log.info("canaries_looked_for_again")

    def could_not_look(self, error: Exception) -> None:
        """Postgres did not answer."""
        if not self._blind:
            self._blind = True
            log.warning("canaries_not_looked_for", error=str(error))


class CanaryAges(Collector):
    """The gauge of the ages: they grow between two looks, too."""

    def __init__(self, registry: CollectorRegistry, ages: Callable[[], Mapping[str, float]]) -> None:
        self._ages = ages
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """One sample for each source that gets canaries."""
        gauge = GaugeMetricFamily(
            "pipeline_canary_age_seconds",
            "Time since the youngest canary that came through was sent; since the start before the first one",
            labels=["source"],
        )
        for source, age in self._ages().items():
            gauge.add_metric([source], age)
        return [gauge]
