"""What the page shows is asked of Redis a few times a second, however many pages are open."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.feed.counters import FeedCounters, PostNumbers, RankedPost
from pipeline.errors import LiveUnavailable
from pipeline.live import Window


class Reader:
    """Counts as often as it is asked. Away while `away` is set."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.away = False
        self.likes = 1

    async def read(self, post_ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
        self._ask(*post_ids)
        return dict.fromkeys(post_ids, (self.likes, 2, 3))

    async def top(self, window: Window, limit: int) -> list[tuple[str, int]]:
        self._ask(window, str(limit))
        await asyncio.sleep(0)
        return [("p-1", self.likes)]

    async def trending(self, limit: int) -> list[tuple[str, float]]:
        self._ask("trending", str(limit))
        return [("p-1", 0.5)]

    def _ask(self, *what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise LiveUnavailable("no answer")


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters(reader: Reader, clock: Clock) -> FeedCounters:
    return FeedCounters(reader, clock)


async def test_posts_are_in_the_order_that_was_asked_for_and_each_once(counters: FeedCounters) -> None:
    found = await counters.posts(["p-2", "p-1", "p-2"])
    assert found == [PostNumbers("p-2", 1, 2, 3), PostNumbers("p-1", 1, 2, 3)]
    assert await counters.posts([]) == []


async def test_only_what_was_not_read_a_moment_ago_is_read(
    counters: FeedCounters, reader: Reader, clock: Clock
) -> None:
    await counters.posts(["p-1", "p-2"])
    clock.seconds += 0.2
    await counters.posts(["p-2", "p-3"])
    assert reader.asked == [("p-1", "p-2"), ("p-3",)]

    clock.seconds += 0.1
    reader.likes = 7
    [one, three] = await counters.posts(["p-1", "p-3"])
    assert (one.likes, three.likes) == (7, 1)


async def test_a_hundred_pages_that_ask_at_once_ask_redis_once(
    counters: FeedCounters, reader: Reader, clock: Clock
) -> None:
    answers = await asyncio.gather(*(counters.top("day", 10) for _ in range(100)))
    assert all(answer == [RankedPost("p-1", 1)] for answer in answers)
    assert reader.asked == [("day", "10")]

    await counters.top("all", 10)
    await counters.trending(10)
    clock.seconds += 0.3
    await counters.top("day", 10)
    assert reader.asked[1:] == [("all", "10"), ("trending", "10"), ("day", "10")]


async def test_redis_is_asked_again_a_moment_after_it_was_away(
    counters: FeedCounters, reader: Reader, clock: Clock
) -> None:
    reader.away = True
    for _ in range(3):
        with pytest.raises(LiveUnavailable):
            await counters.trending(5)
    assert len(reader.asked) == 1
    with pytest.raises(LiveUnavailable):
        await counters.posts(["p-1"])

    reader.away = False
    clock.seconds += 0.3
    assert await counters.trending(5) == [RankedPost("p-1", 0.5)]
    assert await counters.posts(["p-1"]) == [PostNumbers("p-1", 1, 2, 3)]


async def test_what_is_remembered_is_bounded(counters: FeedCounters) -> None:
    for begin in range(0, 30_000, 100):
        await counters.posts([f"p-{number}" for number in range(begin, begin + 100)])
    assert len(counters._posts) <= 10_000
