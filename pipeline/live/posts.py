# pyright: reportUnknownMemberType=false
# redis-py leaves the parameters that it passes on untyped.
"""What the counters say of posts: for everybody who shows them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, cast

from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from pipeline.errors import LiveUnavailable
from pipeline.live.connection import LiveConnection
from pipeline.live.layout import state_key
from pipeline.live.post_keys import NUMBERS, TOP, TRENDING

Window = Literal["day", "month", "all"]
"""Whose likes of today, of this month (UTC), or of all time."""

_PERIODS: dict[Window, str] = {"day": ":%Y%m%d", "month": ":%Y%m", "all": ""}
_SECONDS_PER_DAY = 86400


class PostCounters:
    """Reads the counters of posts. All of it raises LiveUnavailable.

    What is not counted yet is 0, or not there: counters that are being built for the first time look empty. Whoever has
    to be right asks Postgres.
    """

    def __init__(self, connection: LiveConnection, source: str = "social") -> None:
        self._connection = connection
        self._state = state_key(source)

    async def read(self, post_ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
        """Likes, comments and shares of each of the posts; zeros where there are none."""
        if not post_ids:
            return {}
        keys = [name.replace("*", post, 1) for post in post_ids for name in NUMBERS]
        [answer] = await self._ask(lambda pipeline: pipeline.mget(keys))
        numbers = [_number(text) for text in cast("list[str | None]", answer)]
        return {
            post: (numbers[at], numbers[at + 1], numbers[at + 2])
            for post, at in zip(post_ids, range(0, len(numbers), len(NUMBERS)), strict=True)
        }

    async def top(self, window: Window, limit: int, now: datetime | None = None) -> list[tuple[str, int]]:
        """The posts with the most likes and how many, the most first; `now` says which day and month it is.

        `limit` is at least 1.
        """
        key = TOP + (now or datetime.now(UTC)).strftime(_PERIODS[window])
        [answer] = await self._ask(
            lambda pipeline: pipeline.zrange(key, 0, limit - 1, desc=True, withscores=True)
        )
        return [(post, int(score)) for post, score in _members(answer) if score > 0]

    async def trending(self, limit: int, now: datetime | None = None) -> list[tuple[str, float]]:
        """The posts with the most points, the most first: a like of today is one, one of yesterday a half.

        `limit` is at least 1.
        """

        def ask(pipeline: Pipeline) -> None:
            pipeline.zrange(TRENDING, 0, limit - 1, desc=True, withscores=True)
            pipeline.hget(self._state, "landmark")

        members, landmark = await self._ask(ask)
        today = int((now or datetime.now(UTC)).timestamp()) // _SECONDS_PER_DAY
        worth = 2.0 ** (_number(cast("str | None", landmark)) - today)
        return [(post, score * worth) for post, score in _members(members)]

    async def _ask(self, fill: Callable[[Pipeline], object]) -> list[Any]:
        answers = await self._connection.together(fill)
        for answer in answers:
            if isinstance(
                answer, RedisError
            ):  # of another type: somebody else's, until the counters are built anew
                raise LiveUnavailable(str(answer)) from answer
        return answers


def _members(answer: Any) -> list[tuple[str, float]]:
    return cast("list[tuple[str, float]]", answer)


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise LiveUnavailable(f"{text!r} is no number") from None
