"""How much flows: counters of the services at two moments, and what is between them."""

from collections.abc import Mapping, Sequence

import msgspec
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families,  # pyright: ignore[reportUnknownVariableType]
)

PROCESSED = "events_processed_total"
"""At a gateway what JetStream acknowledged, which is what its senders were told; at a collector what was stored."""
REFUSED = "dead_letters_total"
_COUNTERS = (PROCESSED, REFUSED)

Counts = Mapping[tuple[str, str], float]
"""Values by counter and source."""


class Reading(msgspec.Struct, frozen=True):
    """The counters of one process at a time on the monotonic clock."""

    at_seconds: float
    counts: Counts


def counts_of(exposition: str) -> Counts:
    """The counters that tell the flow, summed over all labels but the source. Raises ValueError."""
    counts: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name in _COUNTERS:
                key = (sample.name, sample.labels.get("source", ""))
                counts[key] = counts.get(key, 0.0) + sample.value
    return counts


def rate(counter: str, source: str, pairs: Sequence[tuple[Reading, Reading]]) -> float | None:
    """Events per second of a source over all processes, each with its two readings. None without any.

    A process that was started anew in between counts from zero.
    """
    if not pairs:
        return None
    total = 0.0
    for before, after in pairs:
        first, last = (reading.counts.get((counter, source), 0.0) for reading in (before, after))
        grown = last - first if last >= first else last
        total += grown / max(after.at_seconds - before.at_seconds, 1e-3)
    return round(total, 1)
