"""Made-up audiences of a source with one closed and one open facet."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from pipeline.audience.facets import FacetTable
from pipeline.audience.pairs import Pairs

SPEC: Mapping[str, tuple[str, ...] | None] = {"age": ("<18", "18-24", "25+"), "country": None}
COUNTRIES = [f"country {number}" for number in range(60)]


def table() -> FacetTable:
    return FacetTable(SPEC)


def crowd(facets: FacetTable, events: int, users: int, seed: int) -> Pairs:
    """Events of users drawn with replacement; a sixth of them tells no country."""
    rng = np.random.default_rng(seed)
    strings = [f"{age}\x1f{country}" for age in SPEC["age"] or () for country in [*COUNTRIES, *[""] * 12]]
    hashes = rng.integers(0, 2**64, users, dtype=np.uint64)[rng.integers(0, users, events)]
    return Pairs(hashes, facets.numbers_of(strings)[rng.integers(0, len(strings), events)])


def counted_plainly(pairs: Pairs, facets: FacetTable) -> tuple[int, dict[str, dict[str, set[int]]]]:
    """Distinct users in all, and the users of each value of each facet."""
    users: dict[str, dict[str, set[int]]] = {name: defaultdict(set) for name in SPEC}
    strings = facets.strings_of(pairs.facets)
    for user, string in zip(pairs.hashes.tolist(), strings, strict=True):
        for name, value in zip(SPEC, string.split("\x1f"), strict=True):
            if value:
                users[name][value].add(user)
    return len(set(pairs.hashes.tolist())), users
