"""When the backlog will be gone, from what was seen of it."""

import pytest

from collectors._runtime.backlog import CatchUp, Observation, Pace, pace_of


def seen(*waiting: int, every_seconds: float = 1.0, arriving_per_second: float = 0.0) -> list[Observation]:
    """One observation after the other, with so many batches waiting."""
    return [
        Observation(
            number * every_seconds, batches, 1_000 + round(number * every_seconds * arriving_per_second)
        )
        for number, batches in enumerate(waiting)
    ]


def test_a_backlog_that_only_drains_takes_its_size_by_its_pace() -> None:
    pace = pace_of(seen(1_000, 900, 800, 700, 600))

    assert pace == Pace(arriving_per_second=0.0, draining_per_second=100.0, seconds_to_catch_up=6.0)


def test_what_arrives_meanwhile_is_made_up_for() -> None:
    # 100 a second are stored and 75 arrive: the backlog shrinks by 25.
    pace = pace_of(seen(1_000, 975, 950, 925, 900, arriving_per_second=75))

    assert pace == Pace(arriving_per_second=75.0, draining_per_second=100.0, seconds_to_catch_up=36.0)


@pytest.mark.parametrize("waiting", [(100, 200, 300), (500, 500, 500)])
def test_there_is_no_end_in_sight_while_the_backlog_does_not_shrink(waiting: tuple[int, ...]) -> None:
    assert pace_of(seen(*waiting, arriving_per_second=100)).seconds_to_catch_up is None


def test_a_backlog_that_shrinks_by_next_to_nothing_has_no_end_in_sight_either() -> None:
    assert pace_of(seen(1_000_000, 999_999, 999_998)).seconds_to_catch_up is None


def test_what_is_just_passing_through_is_no_backlog() -> None:
    # 100 batches a second come and go; between 5 and 60 of them are on their way at any moment.
    pace = pace_of(seen(5, 60, 20, 45, 50, arriving_per_second=100))

    assert pace.seconds_to_catch_up == 0.0


def test_nothing_waits_nothing_to_catch_up() -> None:
    assert pace_of(seen(0)).seconds_to_catch_up == 0.0
    assert pace_of(seen(0, 0, 0)).seconds_to_catch_up == 0.0


@pytest.mark.parametrize("observations", [[], seen(700), seen(700, 650, every_seconds=0.5)])
def test_too_little_was_seen_to_tell(observations: list[Observation]) -> None:
    assert pace_of(observations) == Pace()


def test_acknowledgements_that_come_in_portions_are_evened_out() -> None:
    portions = [1_000 - 40 * (number // 4) for number in range(40)]

    pace = pace_of(seen(*portions, every_seconds=0.5))

    assert pace.seconds_to_catch_up == pytest.approx(portions[-1] / 20, rel=0.05)


def test_without_a_consumer_that_counts_the_backlog_itself_tells() -> None:
    growing = [Observation(second, 10 * second, None) for second in (0, 1, 2, 3)]
    purged = [Observation(second, 100 - 10 * second, None) for second in (0, 1, 2, 3)]

    assert pace_of(growing) == Pace()
    assert pace_of(purged) == Pace(seconds_to_catch_up=7.0)


def test_only_what_was_seen_lately_counts() -> None:
    catch_up = CatchUp(window_seconds=5)
    for second in range(1, 60):  # Postgres is away
        assert catch_up.observe(Observation(second, 100 * second, 100 * second)).seconds_to_catch_up is None
    paces = [  # it is back: 300 a second more are stored than arrive
        catch_up.observe(Observation(second, 5_900 - 300 * (second - 59), 100 * second))
        for second in range(60, 66)
    ]

    assert paces[-1] == Pace(arriving_per_second=100.0, draining_per_second=400.0, seconds_to_catch_up=13.7)


def test_a_consumer_that_was_made_anew_counts_from_the_start() -> None:
    catch_up = CatchUp()
    catch_up.observe(Observation(0, 50, 10_000))
    catch_up.observe(Observation(2, 40, 10_000))

    assert catch_up.observe(Observation(4, 40, 40)) == Pace()
    assert catch_up.observe(Observation(6, 20, 40)).seconds_to_catch_up == 2.0


def test_several_collectors_of_a_source_come_to_the_same_figure() -> None:
    # Each sees the shared backlog, at moments of its own.
    first, second = CatchUp(), CatchUp()
    ones = [first.observe(Observation(step, 5_000 - 100 * step, 0)) for step in range(10)]
    others = [second.observe(Observation(step + 0.3, 5_000 - 100 * step - 30, 0)) for step in range(10)]

    assert ones[-1].seconds_to_catch_up == pytest.approx(others[-1].seconds_to_catch_up, rel=0.02)
