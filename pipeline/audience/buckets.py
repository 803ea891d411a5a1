"""Buckets of time and the audience in each: what the fold does, without its reading and writing."""

from collections.abc import Iterable

import numpy as np

from pipeline.audience.facets import FacetTable
from pipeline.audience.pairs import MAX_PAIRS, Pairs, concatenate, distinct
from pipeline.audience.segment import Segment
from pipeline.audience.sketch import Sketch

MINUTE = 60
HOUR = 3_600
DAY = 86_400
LEVELS = (MINUTE, HOUR, DAY)
"""Bucket sizes in seconds, from fine to coarse."""

Audience = Pairs | Sketch


def split_by_minute(segments: Iterable[Segment]) -> dict[int, Pairs]:
    """The distinct pairs of each minute, keyed by the minute's start in seconds since 1970."""
    parts = list(segments)
    if not parts:
        return {}
    minutes = np.concatenate([part.micros for part in parts]) // (MINUTE * 1_000_000)
    pairs = concatenate([Pairs(part.hashes, part.facets) for part in parts])
    order = np.argsort(minutes, kind="stable")
    hashes, facets = pairs.hashes[order], pairs.facets[order]
    found, starts = np.unique(minutes[order], return_index=True)
    ends = [*starts[1:].tolist(), len(hashes)]
    return {
        minute * MINUTE: distinct(Pairs(hashes[start:end], facets[start:end]))
        for minute, start, end in zip(found.tolist(), starts.tolist(), ends, strict=True)
    }


def union(parts: Iterable[Audience], table: FacetTable, max_pairs: int = MAX_PAIRS) -> Audience:
    """Everybody of all parts: exact while the parts are and at most `max_pairs` pairs come together.

    The parts themselves are left as they are.
    """
    audiences = list(parts)
    exact = [part for part in audiences if isinstance(part, Pairs)]
    if len(exact) == len(audiences):
        pairs = distinct(concatenate(exact))
        if len(pairs) <= max_pairs:
            return pairs
        exact = [pairs]
    sketch = Sketch(table)
    for part in audiences:
        if isinstance(part, Sketch):
            sketch.merge(part)
    for part in exact:
        sketch.add(part)
    return sketch
