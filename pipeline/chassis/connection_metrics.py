"""The server's connections in the metrics of the service: how many are open, and which rule ended how many."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pipeline.chassis.connections import Connections


class ConnectionMetrics(Collector):
    """Reads the figures when it is asked for them. Under a test client there is no server, and nothing is shown."""

    def __init__(self, service: str, registry: CollectorRegistry) -> None:
        self.connections: Connections | None = None
        self._service = service
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        if self.connections is None:
            return
        is_open = GaugeMetricFamily("http_connections_open", "Open connections", labels=["service"])
        is_open.add_metric([self._service], len(self.connections))
        yield is_open
        websockets = GaugeMetricFamily("websockets_open", "Open WebSockets", labels=["service"])
        websockets.add_metric([self._service], self.connections.websockets)
        yield websockets
        refused = CounterMetricFamily(
            "http_connections_refused", "Connections ended by a rule", labels=["service", "rule"]
        )
        for rule, count in sorted(self.connections.refused.items()):
            refused.add_metric([self._service, rule], count)
        yield refused
