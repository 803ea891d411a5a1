"""Unions, buckets and their bytes."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audience import blob
from pipeline.audience.buckets import Audience, split_by_minute, union
from pipeline.audience.counting import AudienceCounts, count_exactly, estimate_counts
from pipeline.audience.facets import SEPARATOR, FacetTable
from pipeline.audience.pairs import MAX_PAIRS, Pairs, concatenate, distinct
from pipeline.audience.segment import Segment, decode_segment, encode_segment
from pipeline.audience.sketch import Sketch
from pipeline.events.record import FACET_SEPARATOR
from reporter.settings import ReporterSettings
from tests.unit.audience.crowds import SPEC, crowd, table


def counts_of(audience: Audience, facets: FacetTable) -> AudienceCounts:
    if isinstance(audience, Sketch):
        return estimate_counts(audience, SPEC, 50)
    return count_exactly(audience, facets, SPEC, 50)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=60))
def test_distinct_keeps_each_pair_once(pairs: list[tuple[int, int]]) -> None:
    users = np.array([user for user, _ in pairs], np.uint64)
    found = distinct(Pairs(users * np.uint64(2**60), np.array([facet for _, facet in pairs], np.uint32)))
    assert list(zip((found.hashes // 2**60).tolist(), found.facets.tolist(), strict=True)) == sorted(
        set(pairs)
    )


@pytest.mark.parametrize("max_pairs", [100_000, 0], ids=["pairs", "sketch"])
def test_a_union_does_not_mind_order_or_repetition(max_pairs: int) -> None:
    facets = table()
    a, b, c = (crowd(facets, 3_000, 5_000, seed) for seed in range(3))
    once = union([a, b, c], facets, max_pairs)
    assert isinstance(once, Pairs if max_pairs else Sketch)
    again = union([union([c, a], facets, max_pairs), b, once, a], facets, max_pairs)
    assert counts_of(again, facets) == counts_of(once, facets)


def test_a_union_becomes_a_sketch_beyond_the_limit_and_leaves_its_parts_alone() -> None:
    facets = table()
    small, sketch = crowd(facets, 100, 100, 1), Sketch(facets)
    sketch.add(crowd(facets, 5_000, 5_000, 2))
    before = counts_of(sketch, facets)
    assert isinstance(union([small, sketch], facets), Sketch)
    assert counts_of(sketch, facets) == before
    assert isinstance(union([crowd(facets, 11, 10**6, 3)], facets, 10), Sketch)


@pytest.mark.parametrize("max_pairs", [100_000, 0], ids=["pairs", "sketch"])
def test_a_blob_read_by_another_process_holds_the_same(max_pairs: int) -> None:
    facets, elsewhere = table(), table()
    elsewhere.numbers_of(["25+\x1fsomething else", "<18\x1fcountry 7"])
    audience = union([crowd(facets, 40_000, 30_000, 4)], facets, max_pairs)
    found = blob.decode(blob.encode(audience, facets), elsewhere)
    assert type(found) is type(audience)
    assert counts_of(found, elsewhere) == counts_of(audience, facets)


def test_what_is_no_blob_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        blob.decode(b"nonsense", table())


def test_a_segment_is_cut_to_the_microsecond() -> None:
    facets = table()
    users, micros = np.arange(5, dtype=np.uint64) + 2**63, np.array([-1, 0, 9, 10, 11])
    data = encode_segment(users, micros, np.array([0, 1, 0, 1, 0], np.uint16))
    assert len(data) == 5 * 18
    segment = decode_segment(data, ["<18\x1fPeru", "25+\x1f"], facets)
    assert (segment.within(0, 10).hashes - 2**63).tolist() == [1, 2]
    assert len(segment.within(None, 0)) == 1
    assert len(segment.within(10, None)) == 2
    assert facets.strings_of(segment.within(None, None).facets)[:2] == ["<18\x1fPeru", "25+\x1f"]
    with pytest.raises(ValueError, match="multiple"):
        decode_segment(data[:-1], [], facets)


def test_segments_are_split_by_minute() -> None:
    facets = table()
    rng = np.random.default_rng(5)
    pairs = crowd(facets, 2_000, 500, 5)
    micros = rng.integers(-3 * 60_000_000, 4 * 60_000_000, 2_000)
    halves = [Segment(pairs.hashes[i::2], micros[i::2], pairs.facets[i::2]) for i in range(2)]
    minutes = split_by_minute(halves)
    assert sorted(minutes) == [-180, -120, -60, 0, 60, 120, 180]
    for minute, found in minutes.items():
        inside = concatenate([half.within(minute * 10**6, (minute + 60) * 10**6) for half in halves])
        expected = set(zip(inside.hashes.tolist(), inside.facets.tolist(), strict=True))
        assert list(zip(found.hashes.tolist(), found.facets.tolist(), strict=True)) == sorted(expected)
    assert split_by_minute([]) == {}


def test_what_other_parts_take_for_granted() -> None:
    assert SEPARATOR == FACET_SEPARATOR
    assert ReporterSettings().exact_users_up_to_events <= MAX_PAIRS
