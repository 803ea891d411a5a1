"""What a rule reads from figures by minute, and how readings become one opening and one clearing."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.episodes import NEVER, Cleared, Episode, Opened, step, walk
from alerts.judging import Reading, judge_post, judge_source, worth_judging
from alerts.rules import Absence, Concentration, ErrorRate, Flapping, Growth
from alerts.series import ADDRESSES, COLUMNS, FLIPS, LIKES, NEWBORN, YOUNG, Counts, Series, Usual

GROWTH = Growth(
    name="burst",
    window_minutes=10,
    baseline_minutes=60,
    growth_factor=3.0,
    min_suspicious=50,
    threshold=0.5,
    address_threshold=0.6,
    clear_threshold=0.25,
    cool_down_minutes=60,
)
DRIP = Concentration(
    name="drip",
    window_minutes=10,
    min_suspicious=50,
    threshold=0.5,
    address_threshold=0.6,
    clear_threshold=0.25,
    cool_down_minutes=60,
)
FLAPPING = Flapping(
    name="flapping", window_minutes=10, threshold=30, clear_threshold=10, min_share=0.15, cool_down_minutes=60
)
MINUTES = 240
NOW = MINUTES - 1


@dataclasses.dataclass
class World:
    """Figures of one post, beside a community that gives ten likes a minute, one in ten of them by a new account."""

    post: Counts
    community: Counts

    @property
    def series(self) -> Series:
        return Series(0, self.post)

    @property
    def usual(self) -> Usual:
        total = self.post + self.community
        return Usual(Series(0, total.reshape(MINUTES // 15, 15, COLUMNS).sum(axis=1)), 180)

    def read(self, rule: Growth | Concentration | Flapping, end: int = NOW) -> Reading:
        return judge_post(rule, self.series, self.usual, end)


def likes(
    figures: Counts,
    minutes: slice,
    count: int,
    *,
    young: int = 0,
    newborn: int = 0,
    bucket: int | None = None,
) -> None:
    """So many in each of the minutes; spread over all buckets, unless there is one."""
    figures[minutes, LIKES] += count
    figures[minutes, YOUNG] += young
    figures[minutes, NEWBORN] += newborn
    if bucket is not None:
        figures[minutes, ADDRESSES.start + bucket] += count
        return
    rng = np.random.default_rng(3)
    figures[minutes, ADDRESSES] += rng.multinomial(count, [1 / 16] * 16, len(figures[minutes]))


@pytest.fixture
def world() -> World:
    post: Counts = np.zeros((MINUTES, COLUMNS), np.int64)
    community: Counts = np.zeros((MINUTES, COLUMNS), np.int64)
    likes(community, slice(None), 10, young=1)
    return World(post, community)


LAST_TEN = slice(MINUTES - 10, MINUTES)


def test_a_burst_of_new_accounts_is_estimated(world: World) -> None:
    likes(world.post, LAST_TEN, 10, young=1)  # people
    likes(world.post, LAST_TEN, 15, young=15)  # programs

    reading = world.read(GROWTH)

    assert reading.holds
    assert reading.details["sign"] == "new accounts"
    assert reading.details["suspiciousShare"] == pytest.approx(0.6, abs=0.02)
    assert reading.details["suspiciousLikes"] == pytest.approx(150, abs=5)


def test_a_burst_of_everybody_is_none(world: World) -> None:
    likes(world.post, LAST_TEN, 60, young=8)

    reading = world.read(GROWTH)

    assert not reading.holds
    assert reading.quiet


def test_one_address_stands_out_and_a_carrier_does_not(world: World) -> None:
    likes(world.post, LAST_TEN, 10, bucket=4)
    assert world.read(GROWTH).details["sign"] == "one address"
    assert world.read(GROWTH).holds

    world.community[:, ADDRESSES] = 0
    world.community[:, ADDRESSES.start + 4] = 10  # all are customers of one carrier
    assert not world.read(GROWTH).holds


def test_where_everybody_comes_through_one_address_a_post_with_most_of_the_likes_is_no_fraud(
    world: World,
) -> None:
    world.community[:] = 0
    likes(
        world.community, slice(MINUTES - 30, MINUTES), 7, bucket=4
    )  # 210, behind a proxy that nobody trusts
    likes(world.post, LAST_TEN, 55, bucket=4)

    assert not world.read(GROWTH).holds


def test_a_post_that_has_always_had_as_much_does_not_grow(world: World) -> None:
    likes(world.post, slice(None), 10, young=10)

    assert not world.read(GROWTH).holds
    assert world.read(DRIP).holds, "but its likes are suspicious all the same"


def test_few_likes_are_nothing_to_judge_by(world: World) -> None:
    likes(world.post, LAST_TEN, 4, young=4)

    assert not world.read(GROWTH).holds


def test_without_anything_to_compare_with_nothing_is_judged(world: World) -> None:
    world.community[:] = 0
    likes(world.post, LAST_TEN, 60, young=60)

    assert not world.read(GROWTH).holds


def test_where_all_accounts_are_new_a_new_account_says_nothing(world: World) -> None:
    world.community[:, YOUNG] = world.community[:, LIKES]
    likes(world.post, LAST_TEN, 60, young=60)

    assert not world.read(GROWTH).holds


def test_flips_count_when_they_are_many_and_many_of_all(world: World) -> None:
    world.post[LAST_TEN, FLIPS] = 5
    assert world.read(FLAPPING).holds

    likes(world.post, LAST_TEN, 200)
    assert not world.read(FLAPPING).holds, "of a post with so many likes they are few"


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 15), st.integers(0, 20)), min_size=1
    )
)
def test_the_quick_look_misses_nothing(minutes: Sequence[tuple[int, int, int, int]]) -> None:
    post: Counts = np.zeros((MINUTES, COLUMNS), np.int64)
    community: Counts = np.zeros((MINUTES, COLUMNS), np.int64)
    likes(community, slice(None), 10, young=1)
    for back, (count, young, bucket, flips) in enumerate(minutes):
        likes(post, slice(NOW - back, NOW - back + 1), count, young=min(young, count), bucket=bucket)
        post[NOW - back, FLIPS] = flips
    world = World(post, community)

    for rule in (GROWTH, DRIP, FLAPPING):
        worth = worth_judging(rule, world.series, NOW - 20, NOW)
        for end, look in zip(range(NOW - 20, NOW + 1), worth, strict=True):
            assert look or not world.read(rule, end).holds


ABSENCE = Absence(
    name="silent",
    window_minutes=10,
    baseline_minutes=60,
    active_share=0.8,
    threshold=10,
    clear_threshold=2,
    cool_down_minutes=0,
)
ERRORS = ErrorRate(
    name="errors",
    window_minutes=10,
    min_failures=50,
    threshold=0.05,
    clear_threshold=0.02,
    cool_down_minutes=0,
)


@pytest.mark.parametrize(
    ("silent_minutes", "active_minutes", "holds"), [(10, 60, True), (9, 60, False), (10, 40, False)]
)
def test_silence_is_missed_where_somebody_used_to_send(
    silent_minutes: int, active_minutes: int, holds: bool
) -> None:
    sent: Counts = np.zeros((80, 2), np.int64)
    sent[80 - silent_minutes - active_minutes : 80 - silent_minutes, 0] = 5

    assert judge_source(ABSENCE, Series(0, sent), 79).holds == holds


@pytest.mark.parametrize(
    ("accepted", "failed", "holds"), [(900, 60, True), (2000, 60, False), (10, 40, False)]
)
def test_failures_count_when_they_are_many_and_many_of_all(accepted: int, failed: int, holds: bool) -> None:
    figures: Counts = np.zeros((10, 2), np.int64)
    figures[5] = accepted, failed

    assert judge_source(ERRORS, Series(0, figures), 9).holds == holds


def reading(rule: Growth | Flapping, *, holds: bool = False, quiet: bool = False) -> Reading:
    return Reading(rule, 0.0, holds, quiet, {})


def test_an_episode_opens_once_and_clears_once() -> None:
    seen = ["holds", "holds", "between", "holds", "between", "quiet", "quiet"]
    readings = {
        minute: [reading(GROWTH, holds=word == "holds", quiet=word == "quiet")]
        for minute, word in enumerate(seen)
    }

    changes = [change for _, change in walk(Episode(), range(len(seen)), readings.__getitem__)]

    assert [(type(change), change.minute) for change in changes] == [(Opened, 0), (Cleared, 5)]


def test_after_the_clearing_there_is_a_pause() -> None:
    episode, _ = step(Episode(True, since=0), 5, [reading(GROWTH, quiet=True)])
    assert episode.quiet_until == 5 + GROWTH.cool_down_minutes

    assert step(episode, 64, [reading(GROWTH, holds=True)])[1] is None
    assert isinstance(step(episode, 65, [reading(GROWTH, holds=True)])[1], Opened)


def test_an_alert_ends_when_all_rules_of_its_key_are_quiet() -> None:
    opened = Episode(True, since=0)

    assert step(opened, 5, [reading(GROWTH, quiet=True), reading(FLAPPING)])[1] is None
    assert isinstance(
        step(opened, 5, [reading(GROWTH, quiet=True), reading(FLAPPING, quiet=True)])[1], Cleared
    )
    assert isinstance(step(opened, 5, [])[1], Cleared), "its rules are gone"


def test_nothing_before_the_last_change_is_judged_again() -> None:
    cleared = Episode(False, since=100, quiet_until=NEVER)

    assert step(cleared, 99, [reading(GROWTH, holds=True)])[1] is None
