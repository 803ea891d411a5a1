"""What probes found: gauges of the last look, and a line when one fails or succeeds again."""

from collections.abc import Iterable, Sequence

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

log = structlog.get_logger()


class ProbeTelemetry(Collector):
    """Keeps what each probe found last, for the scrapes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._metrics: dict[str, Sequence[Metric]] = {}
        self._failing: dict[str, bool] = {}
        registry.register(self)

    def looked(self, probe: str, metrics: Sequence[Metric], problem: str = "") -> None:
        """What a probe found, and what it could not see. A problem is told when it begins and when it is over."""
        self._metrics[probe] = metrics
        was_failing = self._failing.get(probe, False)
        self._failing[probe] = bool(problem)
        if problem and not was_failing:
            log.warning("probe_failing", probe=probe, problem=problem)
        elif was_failing and not problem:
            log.info("probe_succeeds_again", probe=probe)

    def collect(self) -> Iterable[Metric]:
        """Everything that was found last."""
        succeeded = GaugeMetricFamily(
            "probe_up", "Whether the probe saw all that it was to look at", labels=["probe"]
        )
        for probe, failing in self._failing.items():
            succeeded.add_metric([probe], float(not failing))
        return [succeeded, *(metric for metrics in self._metrics.values() for metric in metrics)]
