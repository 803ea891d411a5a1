from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporter.ranges import EPOCH, SIZES, Cover, Span, TimeRange, cover, spans_parameter, to_micros

instants = st.one_of(
    st.integers(-2 * 10**15, 10**16).map(lambda micros: EPOCH + timedelta(microseconds=micros)),
    # Near and on the edges of buckets.
    st.builds(
        lambda size, number, micros: EPOCH + timedelta(seconds=size * number, microseconds=micros),
        st.sampled_from(SIZES),
        st.integers(-1000, 30_000),
        st.integers(-1, 1),
    ),
)
ranges = (
    st.tuples(instants, instants)
    .filter(lambda ends: ends[0] != ends[1])
    .map(lambda ends: TimeRange(*sorted(ends)))
)


def pieces(covered: Cover) -> list[tuple[datetime | None, datetime | None]]:
    found = [(piece.starts, piece.ends) for piece in (*covered.spans, *covered.cuts)]
    return sorted(found, key=lambda piece: piece[0] or datetime.min.replace(tzinfo=UTC))


@given(ranges)
def test_the_pieces_of_a_cover_are_the_range_without_gap_or_overlap(time_range: TimeRange) -> None:
    found = pieces(cover(time_range))
    assert found[0][0] == time_range.starts
    assert found[-1][1] == time_range.ends
    for (_, ends), (starts, _) in pairwise(found):
        assert ends == starts
    for starts, ends in found:
        assert starts is not None
        assert ends is not None
        assert starts < ends


@given(ranges)
def test_spans_are_made_of_whole_buckets_and_cuts_are_short(time_range: TimeRange) -> None:
    covered = cover(time_range)
    for span in covered.spans:
        size = span.bucket_seconds * 1_000_000
        assert (to_micros(span.starts) or 0) % size == 0
        assert (to_micros(span.ends) or 0) % size == 0
    assert len(covered.cuts) <= 2
    for cut in covered.cuts:
        assert cut.ends is not None
        assert cut.starts is not None
        # One cut may hold the end of a second and the start of the next.
        assert cut.ends - cut.starts < timedelta(seconds=2 if len(covered.cuts) == 1 else 1)


@given(ranges)
def test_a_cover_has_as_few_buckets_as_there_can_be(time_range: TimeRange) -> None:
    """Of each size but the largest fewer buckets at either end than make one of the next size."""
    for finer, coarser in pairwise(SIZES):
        for span in cover(time_range).spans:
            if span.bucket_seconds == finer:
                assert span.starts is not None
                assert span.ends is not None
                whole = -(-(to_micros(span.starts) or 0) // (coarser * 1_000_000))
                assert (to_micros(span.ends) or 0) // (coarser * 1_000_000) <= whole


@given(instants)
def test_open_ends_stay_open(instant: datetime) -> None:
    from_then_on, until_then = cover(TimeRange(instant, None)), cover(TimeRange(None, instant))
    assert pieces(from_then_on)[0][0] == instant
    assert [span.ends for span in from_then_on.spans].count(None) == 1
    assert pieces(until_then)[-1][1] == instant
    assert [span.starts for span in until_then.spans].count(None) == 1


def test_everything_is_one_span_of_the_largest_size() -> None:
    assert cover(TimeRange()) == Cover((Span(86_400, None, None),), ())


@pytest.mark.parametrize(
    ("starts", "ends", "sizes"),
    [
        ("2026-05-14T00:00:00", "2026-05-16T00:00:00", [86_400]),
        ("2026-05-14T01:00:00", "2026-05-14T23:00:00", [3_600]),
        ("2026-05-14T00:00:00", "2026-05-14T00:01:01", [60, 1]),
        ("2026-05-13T23:59:59", "2026-05-15T00:00:01", [1, 1, 86_400]),
        ("2026-05-13T22:58:57.5", "2026-05-15T01:01:01.5", [1, 1, 60, 60, 3_600, 3_600, 86_400]),
    ],
)
def test_examples(starts: str, ends: str, sizes: list[int]) -> None:
    covered = cover(TimeRange(*(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (starts, ends))))
    assert sorted(span.bucket_seconds for span in covered.spans) == sorted(sizes)


def test_sql_is_given_infinity_for_open_ends() -> None:
    (span,) = msgspec.json.decode(spans_parameter(cover(TimeRange()).spans))
    assert span == {"seconds": 86_400, "starts": "-infinity", "ends": "infinity"}
