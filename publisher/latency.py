"""Latencies in bounded memory: a histogram whose buckets are half a percent wide."""

import math
from collections import Counter

_GROWTH = math.log(1.005)
_FLOOR_SECONDS = 1e-6


class Latencies:
    """Percentiles within 0.5 % of the exact value, however many values there are."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        self._buckets[int(math.log(max(seconds, _FLOOR_SECONDS) / _FLOOR_SECONDS) / _GROWTH)] += 1

    def __len__(self) -> int:
        return self._buckets.total()

    def percentile(self, percent: float) -> float | None:
        """Nearest rank, in seconds; None without a value."""
        total = len(self)
        if total == 0:
            return None
        rank = max(1, math.ceil(total * percent / 100))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return _FLOOR_SECONDS * math.exp((bucket + 0.5) * _GROWTH)
        raise AssertionError("rank is at most the total")
