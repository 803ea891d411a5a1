"""When will the backlog be gone? Estimated from what was seen of it lately.

The figures are JetStream's: batches that wait, and batches that ever arrived for the source. What drained is the
difference of the two, whichever collector stored it, so the estimate holds for all collectors of the source together.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

WINDOW_SECONDS = 8.0
"""What is older says nothing about how it goes now."""
_SHORTEST_SECONDS = 1.5
"""Rates over less than this are noise: collectors acknowledge many batches at once."""
_IN_FLIGHT_SECONDS = 1.0
"""What drains within this is on its way, not a backlog."""
_LONGEST_SECONDS = 86_400.0
"""Beyond a day a shrinking backlog cannot be told from a steady one."""


class Observation(msgspec.Struct, frozen=True):
    """What was seen at a time on the monotonic clock. `arrived` is None when there is no consumer that counts."""

    at_seconds: float
    waiting: int
    arrived: int | None


class Pace(msgspec.Struct, frozen=True):
    """Batches per second, and the seconds until nothing waits at this pace.

    `seconds_to_catch_up` is 0 when nothing waits but what is just passing through, and None when the backlog does not
    shrink. Everything is None until enough was seen.
    """

    arriving_per_second: float | None = None
    draining_per_second: float | None = None
    seconds_to_catch_up: float | None = None


def pace_of(seen: Sequence[Observation]) -> Pace:
    """The pace over some observations, oldest first."""
    if not seen:
        return Pace()
    first, last = seen[0], seen[-1]
    empty = 0.0 if last.waiting == 0 else None
    span = last.at_seconds - first.at_seconds
    if span < _SHORTEST_SECONDS:
        return Pace(seconds_to_catch_up=empty)
    growth = _slope(seen)
    if first.arrived is None or last.arrived is None:
        return Pace(seconds_to_catch_up=_catch_up(last.waiting, growth, 0.0))
    arriving = (last.arrived - first.arrived) / span
    draining = max(0.0, arriving - growth)
    return Pace(round(arriving, 3), round(draining, 3), _catch_up(last.waiting, growth, draining))


def _catch_up(waiting: int, growth: float, draining: float) -> float | None:
    if waiting <= draining * _IN_FLIGHT_SECONDS:
        return 0.0
    if growth >= 0 or (seconds := waiting / -growth) > _LONGEST_SECONDS:
        return None
    return round(seconds, 1)


def _slope(seen: Sequence[Observation]) -> float:
    """Batches per second by which the backlog grows: the straight line that fits best (least squares)."""
    middle = sum(each.at_seconds for each in seen) / len(seen)
    average = sum(each.waiting for each in seen) / len(seen)
    spread = sum((each.at_seconds - middle) ** 2 for each in seen)
    return sum((each.at_seconds - middle) * (each.waiting - average) for each in seen) / spread


class CatchUp:
    """Remembers the observations of the window."""

    def __init__(self, window_seconds: float = WINDOW_SECONDS) -> None:
        self._window_seconds = window_seconds
        self._seen: deque[Observation] = deque()

    def observe(self, observation: Observation) -> Pace:
        """The pace, with this observation as the newest."""
        seen = self._seen
        if seen and _is_another_count(seen[-1].arrived, observation.arrived):
            seen.clear()
        seen.append(observation)
        while observation.at_seconds - seen[0].at_seconds > self._window_seconds:
            seen.popleft()
        return pace_of(seen)


def _is_another_count(before: int | None, now: int | None) -> bool:
    """The consumer came, went, or was made anew: its count began again."""
    return (before is None) != (now is None) or (before is not None and now is not None and now < before)
