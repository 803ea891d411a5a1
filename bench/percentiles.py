"""Percentiles of all values, exact."""

import math
from collections.abc import Iterable, Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest rank, of values in ascending order. Raises ValueError without a value."""
    if not ordered:
        raise ValueError("no values")
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


def summary_ms(seconds: Iterable[float]) -> str:
    """`p50 / p95 / p99 / max` in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return "-"
    shown = (percentile(ordered, percent) * 1000 for percent in (50, 95, 99, 100))
    return " / ".join(f"{value:,.1f}" for value in shown) + " ms"
