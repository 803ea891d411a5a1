"""Counters follow from facts alone, so a build from totals and many small changes cannot disagree."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.changes import Changes
from pipeline.live.event_keys import KEPT_DAYS
from pipeline.live.layout import Layout
from pipeline.live.operations import Operation, values_of

LAYOUT = Layout("social")
NOON = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)

days = st.integers(min_value=-60, max_value=1).map(lambda days: f"{NOON + timedelta(days=days):%Y%m%d}")
facts = st.lists(
    st.tuples(st.sampled_from(["like", "comment", "post"]), days, st.integers(-5, 5)), max_size=20
)


def after(*changes: Changes) -> dict[str, dict[str, int]]:
    operations: list[Operation] = [each for change in changes for each in LAYOUT.operations_of(change)]
    return values_of(operations, NOON.timestamp(), {})


def test_an_event_counts_in_its_source_and_in_its_day() -> None:
    assert after(Changes([("like", "20260514", 3), ("post", "20260513", 1), ("like", "20260513", 2)])) == {
        "events:social": {"like": 5, "post": 1},
        "events:social:20260514": {"like": 3},
        "events:social:20260513": {"post": 1, "like": 2},
    }


def test_there_is_one_operation_for_each_key() -> None:
    operations = LAYOUT.operations_of(Changes([("like", "20260514", 3), ("post", "20260514", 1)]))
    assert [operation.key for operation in operations] == ["events:social", "events:social:20260514"]


def test_nothing_new_is_no_operation() -> None:
    assert LAYOUT.operations_of(Changes([])) == []


def test_a_day_is_kept_until_so_many_days_after_its_end() -> None:
    [_, day] = LAYOUT.operations_of(Changes([("like", "20260514", 1)]))
    assert day.expires_at == datetime(2026, 5, 15, tzinfo=UTC).timestamp() + KEPT_DAYS * 86400


def test_a_day_of_any_year_has_an_end() -> None:
    for day, year in (("00010101", 1), ("19691231", 1969), ("99991231", 9999)):
        [_, operation] = LAYOUT.operations_of(Changes([("like", day, 1)]))
        assert operation.expires_at is not None
        assert abs(operation.expires_at / 86400 / 365.2425 + 1970 - year) < 1.2
    assert set(after(Changes([("like", "00010101", 1)]))) == {"events:social"}


@given(facts, facts)
def test_changes_one_after_the_other_are_the_change_of_both(
    first: list[tuple[str, str, int]], second: list[tuple[str, str, int]]
) -> None:
    assert after(Changes(first), Changes(second)) == after(Changes(first + second))


@given(facts)
def test_what_is_taken_off_again_leaves_nothing(some: list[tuple[str, str, int]]) -> None:
    assert after(Changes(some), Changes([(kind, day, -number) for kind, day, number in some])) == {}


def test_the_patterns_of_a_source_match_its_own_counters_only() -> None:
    assert LAYOUT.hashes() == ["events:social", "events:social:*"]
    assert [*LAYOUT.sorted_sets(), *LAYOUT.strings()] == []
