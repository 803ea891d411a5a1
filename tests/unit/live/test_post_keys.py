"""Counters of posts follow from facts alone, in the names under which dashboards look for them."""

from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events.changes import Changes
from pipeline.live.layout import Layout
from pipeline.live.operations import TrendChange, values_of
from pipeline.live.post_keys import (
    FORGOTTEN_DAYS,
    TREND_DAYS,
    number_of,
    operations_of,
    set_patterns,
    trend_scores,
)

Fact = tuple[str, str, int, int, int]

NOON = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
LAYOUT = Layout("social", "social")

days = st.integers(min_value=-450, max_value=1).map(lambda days: f"{NOON + timedelta(days=days):%Y%m%d}")
small = st.integers(-3, 3)
facts = st.lists(
    st.tuples(st.sampled_from(["p-1", "p:2:likes", "*"]), days, small, small, small), max_size=15
)


def after(*posts: list[Fact]) -> dict[str, dict[str, int]]:
    operations = [each for some in posts for each in LAYOUT.operations_of(Changes(posts=some))]
    return values_of(operations, NOON.timestamp(), {})


def test_a_like_counts_for_its_post_its_day_and_its_month() -> None:
    assert after(
        [("p-1", "20260514", 3, 1, 0), ("p-1", "20260430", -1, 0, 2), ("p-2", "20260430", 1, 0, 0)]
    ) == {
        "post:*:likes": {"p-1": 2, "p-2": 1},
        "post:*:comments": {"p-1": 1},
        "post:*:shares": {"p-1": 2},
        "top_posts": {"p-1": 2, "p-2": 1},
        "top_posts:20260514": {"p-1": 3},
        "top_posts:202605": {"p-1": 3},
        "top_posts:20260430": {"p-1": -1, "p-2": 1},
        "top_posts:202604": {"p-1": -1, "p-2": 1},
    }


def test_who_changes_their_mind_on_the_same_day_leaves_nothing() -> None:
    assert after([("p-1", "20260514", 1, 0, 0)], [("p-1", "20260514", -1, 0, 0)]) == {}
    assert operations_of([("p-1", "20260514", 1, 0, 0), ("p-1", "20260514", -1, 0, 0)]) == []


def test_there_is_one_operation_for_each_key() -> None:
    operations = operations_of([(f"p-{n}", "20260514", 1, 1, 1) for n in range(5)])
    keys = [operation.key for operation in operations]
    assert len(keys) == len(set(keys)) == 7


def test_a_source_without_posts_has_no_such_counters() -> None:
    plain = Layout("facebook")
    assert [*plain.sorted_sets(), *plain.strings()] == []
    assert plain.number_of("post:p-1:likes") is None


def test_days_and_months_are_kept_for_so_long_after_their_end() -> None:
    expiries = {op.key: op.expires_at for op in operations_of([("p-1", "20240210", 1, 0, 0)])}
    ends = {key: datetime.fromtimestamp(at, UTC).date() for key, at in expiries.items() if at is not None}
    assert ends == {
        "top_posts:20240210": date(2024, 2, 11) + timedelta(days=35),
        "top_posts:202402": date(2024, 3, 1) + timedelta(days=400),
    }


@pytest.mark.parametrize("day", ["00010101", "19691231", "99991231"])
def test_a_day_of_any_year_has_an_end(day: str) -> None:
    assert {op.key for op in operations_of([("p-1", day, 1, 0, 0)]) if op.expires_at} == {
        f"top_posts:{day}",
        f"top_posts:{day[:6]}",
    }


@given(facts, facts)
def test_changes_one_after_the_other_are_the_change_of_both(first: list[Fact], second: list[Fact]) -> None:
    assert after(first, second) == after(first + second)


@given(facts)
def test_what_is_taken_off_again_leaves_nothing(some: list[Fact]) -> None:
    assert after(some, [(post, day, -a, -b, -c) for post, day, a, b, c in some]) == {}


@pytest.mark.parametrize("key", ["top_posts", "top_posts:20260514", "top_posts:202605", "trending_posts"])
def test_the_sorted_sets_are_found(key: str) -> None:
    assert any(fnmatchcase(key, pattern) for pattern in set_patterns())


@pytest.mark.parametrize(
    "key",
    [
        "top_posts:2026",
        "top_posts:2026-05",
        "top_posts:202605141",
        "top_posts:weekly",
        "my_top_posts",
        "trending",
    ],
)
def test_what_others_call_alike_is_not_taken_for_ours(key: str) -> None:
    assert not any(fnmatchcase(key, pattern) for pattern in set_patterns())


@pytest.mark.parametrize("post", ["p-1", "a:b", "post:x:likes", "*", "", "a\nb", "水門"])
def test_a_string_tells_its_post(post: str) -> None:
    assert number_of(f"post:{post}:likes") == ("post:*:likes", post)


@pytest.mark.parametrize(
    "key", ["post:p-1", "post:p-1:views", "post:likes", "repost:p-1:likes", "post:p-1:likes:x"]
)
def test_a_string_of_somebody_else_does_not(key: str) -> None:
    assert number_of(key) is None


def test_a_point_of_a_day_later_is_worth_twice_as_much() -> None:
    trends = [
        op
        for op in operations_of([("p-1", "20260514", 1, 0, 0), ("p-1", "20260515", 1, 0, 0)])
        if isinstance(op, TrendChange)
    ]
    landmark = trends[0].day
    assert [trend_scores(trend, landmark) for trend in trends] == [{"p-1": 1.0}, {"p-1": 2.0}]


def test_a_comment_says_more_than_a_like_and_a_share_more_than_a_comment() -> None:
    facts: list[Fact] = [("a", "20260514", 1, 0, 0), ("b", "20260514", 0, 1, 0), ("c", "20260514", 0, 0, 1)]
    [trend] = [op for op in operations_of(facts) if isinstance(op, TrendChange)]
    assert trend.fields == {"a": 1, "b": 2, "c": 3}


def test_points_of_long_ago_are_none_and_those_of_far_ahead_are_finite() -> None:
    trend = TrendChange("trending_posts", None, {"p-1": 10**9}, 20_000)
    assert trend_scores(trend, 20_000 + FORGOTTEN_DAYS) != {}
    assert trend_scores(trend, 20_001 + FORGOTTEN_DAYS) == {}
    assert trend_scores(trend, 20_000 - TREND_DAYS)["p-1"] < float("inf")
    assert trend_scores(trend, 0)["p-1"] < float("inf")
