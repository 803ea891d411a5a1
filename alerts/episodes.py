"""From readings to alerts: one opening and one clearing for as long as something lasts, however often one looks."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from alerts.judging import Reading

NEVER = -(2**31)


class Episode(msgspec.Struct, frozen=True):
    """What is known of a suppression key of a subject. Minutes are those of the events.

    `since` is the minute of the last change: nothing before it is judged again. `quiet_until` is the end of the
    cool-down.
    """

    is_open: bool = False
    since: int = NEVER
    quiet_until: int = NEVER


class Opened(msgspec.Struct, frozen=True):
    """An alert begins at this minute."""

    minute: int
    reading: Reading


class Cleared(msgspec.Struct, frozen=True):
    """The open alert ends at this minute. `reading` is None when its rule is gone."""

    minute: int
    reading: Reading | None


Change = Opened | Cleared


def step(episode: Episode, minute: int, readings: Sequence[Reading]) -> tuple[Episode, Change | None]:
    """What the readings of one minute, of all rules of a key, make of an episode."""
    if minute < episode.since:
        return episode, None
    if episode.is_open:
        if not all(reading.quiet for reading in readings):
            return episode, None
        cool_down = max((reading.rule.cool_down_minutes for reading in readings), default=0)
        return Episode(False, minute, minute + cool_down), Cleared(minute, readings[0] if readings else None)
    holding = next((reading for reading in readings if reading.holds), None)
    if holding is None or minute < episode.quiet_until:
        return episode, None
    return Episode(True, minute, episode.quiet_until), Opened(minute, holding)


def walk(
    episode: Episode, minutes: Iterable[int], readings: Callable[[int], Sequence[Reading]]
) -> Iterator[tuple[Episode, Change]]:
    """The changes over some minutes, in their order, each with the episode after it."""
    for minute in minutes:
        episode, change = step(episode, minute, readings(minute))
        if change is not None:
            yield episode, change
