"""The metrics registry of one service, injected so that two apps in one process never mix."""

import time
from collections.abc import Mapping
from typing import cast

from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector
from prometheus_client.openmetrics.exposition import (
    CONTENT_TYPE_LATEST,
    generate_latest,  # pyright: ignore[reportUnknownVariableType]
)

_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ServiceMetrics:
    """What every service measures, whatever it does. `registry` is where a service's own telemetry adds to."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self._requests = Histogram(
            "http_request_duration_seconds",
            "Time from the first byte of a request to the last byte of its answer",
            ["service", "method", "route", "status"],
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        started = time.monotonic()
        uptime = Gauge("service_uptime_seconds", "Time since start", ["service"], registry=self.registry)
        uptime.labels(service).set_function(lambda: time.monotonic() - started)
        self._ready = Gauge(
            "service_ready",
            "1 when every check passed that the service cannot do without",
            ["service"],
            registry=self.registry,
        )
        self._checks = Gauge(
            "service_check_passed", "1 when the check passed", ["service", "check"], registry=self.registry
        )
        ProcessCollector(registry=self.registry)  # memory, CPU time and open files, under their usual names

    def request_answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a template such as `/webhooks/{name}`, never a path that a caller made up."""
        self._requests.labels(self.service, method, route, str(status)).observe(seconds)

    def checked(self, ready: bool, passed: Mapping[str, bool]) -> None:
        """What the checks of readiness have found, by their names."""
        self._ready.labels(self.service).set(ready)
        for check, has_passed in passed.items():
            self._checks.labels(self.service, check).set(has_passed)

    def exposition(self) -> tuple[bytes, str]:
        """The body of `GET /metrics` and its content type (OpenMetrics)."""
        body = cast("bytes", generate_latest(self.registry))
        return body, CONTENT_TYPE_LATEST
