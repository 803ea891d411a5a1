"""What a probe is: it looks at one thing, and says what it found as gauges."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric


class ProbeFailed(Exception):
    """What was to be looked at is away, or says something else than it should."""


class Found(msgspec.Struct, frozen=True):
    """The gauges, and what could not be seen of it, in a sentence; empty when all could."""

    metrics: Sequence[Metric]
    problem: str = ""


class Probe(Protocol):
    """Looks at one thing."""

    name: str

    async def look(self) -> Found:
        """What there is now. Raises ProbeFailed; may take as long as it likes, for it is given up after a while."""
        ...

    def blind(self) -> Sequence[Metric]:
        """What is shown when looking failed: that it is down, and no figure of before."""
        ...


def gauge(
    name: str, documentation: str, samples: Iterable[tuple[Mapping[str, str], float]]
) -> GaugeMetricFamily:
    """A gauge with its samples, whose labels are all of the same names."""
    family: GaugeMetricFamily | None = None
    for labels, value in samples:
        family = family or GaugeMetricFamily(name, documentation, labels=list(labels))
        family.add_metric(list(labels.values()), value)
    return family or GaugeMetricFamily(name, documentation)
