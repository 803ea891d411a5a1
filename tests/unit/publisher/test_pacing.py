import asyncio
import random
from itertools import islice

import pytest

from publisher import pacing
from publisher.pacing import Due


def test_the_firehose_is_due_on_every_full_second_with_sizes_over_the_whole_range():
    dues = list(islice(pacing.firehose(random.Random(1), 1_000, 50_000), 4_000))
    assert [due.at_seconds for due in dues] == list(range(4_000))
    sizes = [due.size for due in dues]
    assert 1_000 <= min(sizes) < 1_100
    assert 49_900 < max(sizes) <= 50_000
    assert 24_500 < sum(sizes) / len(sizes) < 26_500
    assert {due.covers_seconds for due in dues} == {1.0}


@pytest.mark.parametrize(("rate", "batch"), [(3_000, 1), (25_500, 1_000), (7, 3), (0.1, 1)])
def test_a_steady_rate_never_drifts(rate: float, batch: int):
    [due] = islice(pacing.steady(rate, batch), 1_000_000, 1_000_001)
    assert due.at_seconds == pytest.approx(1_000_000 * batch / rate, rel=1e-12)
    assert due.covers_seconds == batch / rate


def test_a_count_cuts_the_last_body_to_fit():
    dues = list(pacing.limited(pacing.steady(100, 30), count=100, duration_seconds=None))
    assert [due.size for due in dues] == [30, 30, 30, 10]


def test_a_duration_ends_before_the_first_body_that_is_due_after_it():
    dues = list(pacing.limited(pacing.steady(10, 1), count=None, duration_seconds=2))
    assert len(dues) == 20
    assert dues[-1].at_seconds == 1.9


def test_whichever_limit_comes_first_ends_the_plan():
    plan = pacing.steady(10, 1)
    assert len(list(pacing.limited(plan, count=5, duration_seconds=2))) == 5
    assert len(list(pacing.limited(pacing.steady(10, 1), count=50, duration_seconds=2))) == 20


def test_an_unpaced_plan_is_limited_by_its_count_alone():
    dues = list(pacing.limited(pacing.unpaced(40), count=100, duration_seconds=1))
    assert [(due.at_seconds, due.size) for due in dues] == [(None, 40), (None, 40), (None, 20)]


def test_small_bodies_are_grouped_and_none_is_lost_or_moved():
    dues = list(pacing.limited(pacing.steady(100, 1), count=1_300, duration_seconds=None))
    groups = list(pacing.grouped(dues))
    assert [len(group) for group in groups] == [512, 512, 276]
    assert [due for group in groups for due in group] == dues


def test_large_bodies_stay_alone():
    assert [len(group) for group in pacing.grouped([Due(0, 5_000), Due(1, 600)])] == [1, 1]


async def test_a_moment_that_has_passed_is_not_waited_for():
    assert await pacing.until(5.0, lambda: 7.0, asyncio.Event())


async def test_a_moment_to_come_is_waited_for():
    clock = asyncio.get_running_loop().time
    due_at = clock() + 0.05
    assert await pacing.until(due_at, clock, asyncio.Event())
    assert clock() >= due_at - 0.002


async def test_a_stop_ends_the_wait_at_once():
    stopped = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stopped.set)
    async with asyncio.timeout(5):
        assert not await pacing.until(1_000.0, lambda: 0.0, stopped)


async def test_after_a_stop_nothing_is_due_any_more():
    stopped = asyncio.Event()
    stopped.set()
    assert not await pacing.until(5.0, lambda: 7.0, stopped)
