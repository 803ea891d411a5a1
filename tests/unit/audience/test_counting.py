import numpy as np
import pytest

from pipeline.audience.counting import count_exactly, estimate_counts
from pipeline.audience.pairs import Pairs, concatenate
from pipeline.audience.sketch import MAX_VALUES, Sketch
from tests.unit.audience.crowds import SPEC, counted_plainly, crowd, table


@pytest.mark.parametrize("users", [1, 40, 3_000, 1_000_000])
@pytest.mark.parametrize("top", [5, 50, 100])
def test_exact_counts_are_those_of_plain_sets(users: int, top: int) -> None:
    facets = table()
    pairs = crowd(facets, 8_000, users, seed=users)
    counts = count_exactly(pairs, facets, SPEC, top)
    total, plain = counted_plainly(pairs, facets)
    assert counts.total == total
    assert counts.values["age"] == {value: len(plain["age"][value]) for value in SPEC["age"] or ()}
    ranked = sorted(plain["country"], key=lambda value: (-len(plain["country"][value]), value))
    others = set[int]().union(*(plain["country"][value] for value in ranked[top:]))
    expected = {value: len(plain["country"][value]) for value in ranked[:top]} | {"other": len(others)}
    assert dict(counts.values["country"]) == expected


def test_nobody_was_there() -> None:
    facets = table()
    nobody = {"age": {"<18": 0, "18-24": 0, "25+": 0}, "country": {"other": 0}}
    assert count_exactly(concatenate([]), facets, SPEC, 50).values == nobody
    assert estimate_counts(Sketch(facets), SPEC, 50).values == nobody


def test_a_country_that_calls_itself_other_is_one_of_the_others() -> None:
    facets = table()
    pairs = Pairs(
        np.arange(3, dtype=np.uint64), facets.numbers_of(["<18\x1fother", "<18\x1fother", "<18\x1fPeru"])
    )
    assert dict(count_exactly(pairs, facets, SPEC, 50).values["country"]) == {"Peru": 1, "other": 2}


@pytest.mark.parametrize("seed", range(4))
def test_estimates_stand_within_one_percent(seed: int) -> None:
    """Totals of 400,000 users; values between 5,000 and 150,000."""
    facets = table()
    pairs = crowd(facets, 500_000, 2_000_000, seed)
    sketch = Sketch(facets)
    sketch.add(pairs)
    exact, estimated = count_exactly(pairs, facets, SPEC, 100), estimate_counts(sketch, SPEC, 100)
    figures = [(exact.total, estimated.total)]
    for facet in SPEC:
        figures += [(users, estimated.values[facet][value]) for value, users in exact.values[facet].items()]
    assert max(abs(estimate - users) / max(users, 1) for users, estimate in figures) < 0.01


def test_made_up_values_beyond_the_limit_count_as_other() -> None:
    facets = table()
    strings = [f"<18\x1fmade up {number}" for number in range(MAX_VALUES + 1_000)]
    pairs = Pairs(
        np.random.default_rng(1).integers(0, 2**64, len(strings), np.uint64), facets.numbers_of(strings)
    )
    sketch = Sketch(facets)
    sketch.add(pairs)
    counts = estimate_counts(sketch, SPEC, 50)
    assert len(sketch.rows[1]) == MAX_VALUES + 1
    assert counts.values["country"]["other"] == pytest.approx(len(strings) - 50, rel=0.01)
