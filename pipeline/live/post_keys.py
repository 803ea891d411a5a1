"""The counters of posts, in the names under which dashboards look for them. Pure.

| key | type | member | what it counts |
|---|---|---|---|
| `post:<id>:likes` | string | | people who like the post now |
| `post:<id>:comments`, `post:<id>:shares` | strings | | what was said about it, and how often it was shared |
| `top_posts` | sorted set | post | people who like it now |
| `top_posts:<yyyymmdd>` | sorted set | post | those of them who said so on that day (UTC), for KEPT_DAYS after it |
| `top_posts:<yyyymm>` | sorted set | post | those who said so in that month, for MONTHS_KEPT_DAYS after it |
| `trending_posts` | sorted set | post | points, a day later worth half as much |

What would be 0 is not there. A like counts on the day of the last word, so unliking takes it off where it was.

A trend would have to be changed every moment for everybody. Instead points of a later day are worth twice as much as
those of the day before, so nothing has to be done to what is there, and points can be added in any order and taken
off again. The power of two is counted from a landmark: the day of the last build, kept with the state of the counters.
A day TREND_DAYS after it does not fit into a number any more; then the counters are built anew, with a new landmark.
"""

import re
from calendar import monthrange
from collections.abc import Sequence

from pipeline.live.event_keys import KEPT_DAYS
from pipeline.live.operations import (
    NumbersChange,
    Operation,
    ScoresChange,
    TrendChange,
    days_since_1970,
    end_of,
)

TOP = "top_posts"
TRENDING = "trending_posts"
NUMBERS = ("post:*:likes", "post:*:comments", "post:*:shares")
"""The strings, in the order of a fact's numbers."""

MONTHS_KEPT_DAYS = 400
"""The same month of the year before can be looked at."""

POINTS = (1, 2, 3)
"""Of a like, a comment and a share: the more it takes to do it, the more it says."""

TREND_DAYS = 900
"""Days after the landmark that fit: 2 to the power of 1024 would be too large, and a post has many points."""

FORGOTTEN_DAYS = 60
"""Days before the landmark from which on points are worth less than one in a quintillion: they are not added."""

KEPT_TRENDING = 50_000
"""Posts that are kept in the trend. It is cut when there are twice as many, so that one that is new has the time to
come up."""

NUMBERS_PATTERN = "post:*:*"
_NUMBER = re.compile(r"post:(.*):(likes|comments|shares)", re.DOTALL)
_DIGIT = "[0-9]"


def set_patterns() -> list[str]:
    """Which keys of Redis are sorted sets of posts. Others' names that begin alike do not match."""
    return [TOP, f"{TOP}:{_DIGIT * 8}", f"{TOP}:{_DIGIT * 6}", TRENDING]


def number_of(key: str) -> tuple[str, str] | None:
    """The common name of a string and its post; None when the key is none of ours."""
    found = _NUMBER.fullmatch(key)
    return (f"post:*:{found[2]}", found[1]) if found else None


def operations_of(posts: Sequence[tuple[str, str, int, int, int]]) -> list[Operation]:
    """What the facts change: one operation for each sorted set and each kind of string, and one of the trend a day."""
    numbers = [NumbersChange(key, None, {}) for key in NUMBERS]
    top = ScoresChange(TOP, None, {})
    by_period: dict[str, ScoresChange] = {}
    trends: dict[str, TrendChange] = {}
    for post, day, *three in posts:
        for change, number in zip(numbers, three, strict=True):
            _add(change.fields, post, number)
        if likes := three[0]:
            _add(top.fields, post, likes)
            for period in (day, day[:6]):
                if period not in by_period:
                    by_period[period] = ScoresChange(f"{TOP}:{period}", _expiry(period), {})
                _add(by_period[period].fields, post, likes)
        if day not in trends:
            trends[day] = TrendChange(TRENDING, None, {}, days_since_1970(day))
        _add(trends[day].fields, post, sum(each * worth for each, worth in zip(three, POINTS, strict=True)))
    changes: list[Operation] = [*numbers, top, *by_period.values(), *trends.values()]
    return [change for change in changes if change.fields]


def trend_scores(trend: TrendChange, landmark: int) -> dict[str, float]:
    """What its points add to the scores of a set that begins with the landmark, a day in days since 1970."""
    age = min(trend.day - landmark, TREND_DAYS)
    return {} if age < -FORGOTTEN_DAYS else {post: points * 2.0**age for post, points in trend.fields.items()}


def _add(fields: dict[str, int], post: str, number: int) -> None:
    if after := fields.get(post, 0) + number:
        fields[post] = after
    else:
        fields.pop(post, None)


def _expiry(period: str) -> int:
    if len(period) == len("yyyymmdd"):
        return end_of(days_since_1970(period), KEPT_DAYS)
    _, days = monthrange(int(period[:4]), int(period[4:]))
    return end_of(days_since_1970(f"{period}{days:02}"), MONTHS_KEPT_DAYS)
