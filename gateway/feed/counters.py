"""What the page shows of posts. A thousand open pages ask for the same: Redis is asked a few times a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from pipeline.live import Window

KEPT_SECONDS = 0.25
"""How old an answer may be."""

_REMEMBERED_POSTS = 10_000

Sums = tuple[int, int, int]


class CounterReader(Protocol):
    """`PostCounters` of pipeline.live."""

    async def read(self, post_ids: Sequence[str]) -> dict[str, Sums]: ...

    async def top(self, window: Window, limit: int) -> list[tuple[str, int]]: ...

    async def trending(self, limit: int) -> list[tuple[str, float]]: ...


class PostNumbers(msgspec.Struct, frozen=True, rename="camel"):
    """What is counted of a post; zeros where nothing is."""

    post_id: str
    likes: int
    comments: int
    shares: int


class RankedPost(msgspec.Struct, frozen=True, rename="camel"):
    """A post in a list. `score` is its likes, or the points of its trend: a like of yesterday is worth half of one."""

    post_id: str
    score: float


class FeedCounters:
    """Raises LiveUnavailable, which is remembered as briefly as an answer is. `monotonic` gives seconds."""

    def __init__(self, reader: CounterReader, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._monotonic = monotonic
        self._posts: dict[str, tuple[float, Sums]] = {}
        self._lists: dict[tuple[str, int], tuple[float, asyncio.Future[list[RankedPost]]]] = {}

    async def posts(self, post_ids: Iterable[str]) -> list[PostNumbers]:
        """In the order that was asked for, each once."""
        now, wanted = self._monotonic(), list(dict.fromkeys(post_ids))
        found = {post: sums for post in wanted if (sums := self._remembered(post, now)) is not None}
        if missing := [post for post in wanted if post not in found]:
            read = await self._reader.read(missing)
            if len(self._posts) + len(read) > _REMEMBERED_POSTS:
                self._posts.clear()
            self._posts.update({post: (now, sums) for post, sums in read.items()})
            found |= read
        return [PostNumbers(post, *found[post]) for post in wanted]

    async def top(self, window: Window, limit: int) -> list[RankedPost]:
        """The most likes first."""
        return await self._list((window, limit), lambda: self._reader.top(window, limit))

    async def trending(self, limit: int) -> list[RankedPost]:
        """The most points first."""
        return await self._list(("trending", limit), lambda: self._reader.trending(limit))

    def _remembered(self, post: str, now: float) -> Sums | None:
        read_at, sums = self._posts.get(post, (-KEPT_SECONDS, None))
        return sums if now - read_at < KEPT_SECONDS else None

    async def _list(
        self, key: tuple[str, int], read: Callable[[], Awaitable[Sequence[tuple[str, float]]]]
    ) -> list[RankedPost]:
        """Whoever asks while another is being answered gets the same answer."""
        now = self._monotonic()
        begun_at, answer = self._lists.get(key, (-KEPT_SECONDS, None))
        if answer is None or now - begun_at >= KEPT_SECONDS:
            answer = asyncio.ensure_future(_ranked(read()))
            self._lists[key] = (now, answer)
        return await asyncio.shield(answer)


async def _ranked(reading: Awaitable[Sequence[tuple[str, float]]]) -> list[RankedPost]:
    return [RankedPost(post, score) for post, score in await reading]
