"""Judges a day as live traffic is judged, and compares the alerts with what was done."""

from collections.abc import Sequence

import msgspec
import numpy as np

from alerts.episodes import Episode, Opened, walk
from alerts.judging import judge_post, worth_judging
from alerts.rules import HISTORY_MINUTES, PostRule, RuleSet, by_key
from alerts.series import QUARTER_MINUTES, Counts, Series, Usual
from alerts.simulation.attacks import Attack
from alerts.simulation.traffic import FIRST_MINUTE, HISTORY, MINUTES


class Raised(msgspec.Struct, frozen=True):
    """An alert of a simulated day: on a post, at a minute of the simulation, by a rule."""

    post: int
    minute: int
    rule: str


class Found(msgspec.Struct, frozen=True):
    """What became of an attack. `alerts` on its post from its beginning until it can be seen no more; the first of them
    came after `minutes` and `actions` of the bots; -1 without any."""

    shape: str
    alerts: int
    minutes: int
    actions: int


class DayScore(msgspec.Struct, frozen=True):
    """`false_alarms` are alerts that no attack explains."""

    found: Sequence[Found]
    false_alarms: int


def raised_in(posts: Counts, rules: RuleSet) -> list[Raised]:
    """All alerts of a day."""
    quarters = posts.sum(axis=0).reshape(MINUTES // QUARTER_MINUTES, QUARTER_MINUTES, -1).sum(axis=1)
    usual = Usual(Series(FIRST_MINUTE // QUARTER_MINUTES, quarters), HISTORY_MINUTES)
    found: list[Raised] = []
    for number, figures in enumerate(posts):
        series = Series(FIRST_MINUTE, figures)
        for group in by_key(rules.posts).values():
            found += [Raised(number, *when) for when in _openings(group, series, usual)]
    return found


def score(raised: Sequence[Raised], attacks: Sequence[Attack], longest_window: int) -> DayScore:
    """Which attacks the alerts found, and which alerts found nothing."""
    explained: set[Raised] = set()
    found: list[Found] = []
    for attack in attacks:
        first, last = attack.span
        hits = [
            each
            for each in raised
            if each.post == attack.post and first <= each.minute <= last + longest_window
        ]
        explained.update(hits)
        at = min((each.minute for each in hits), default=-1)
        found.append(
            Found(attack.shape, len(hits), at - first + 1 if hits else -1, attack.done_by(at) if hits else -1)
        )
    return DayScore(found, len(set(raised) - explained))


def _openings(group: Sequence[PostRule], series: Series, usual: Usual) -> list[tuple[int, str]]:
    begin, end = FIRST_MINUTE + HISTORY, series.last
    worth = np.any([worth_judging(rule, series, begin, end) for rule in group], axis=0)
    if not worth.any():
        return []
    # An open alert must also be judged where nothing could open one, so that it clears.
    last = min(end, begin + int(np.flatnonzero(worth)[-1]) + max(rule.window_minutes for rule in group))
    minutes = range(begin + int(np.flatnonzero(worth)[0]), last + 1)
    changes = walk(
        Episode(), minutes, lambda minute: [judge_post(rule, series, usual, minute) for rule in group]
    )
    return [
        (change.minute - FIRST_MINUTE, change.reading.rule.name)
        for _, change in changes
        if isinstance(change, Opened)
    ]
