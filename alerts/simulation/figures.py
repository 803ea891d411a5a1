"""Many seeded days, and the figures of them all."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import msgspec
import numpy as np

from alerts.rules import RuleSet
from alerts.simulation.attacks import HARD_SHAPES, SHAPES, attacks_on
from alerts.simulation.scoring import DayScore, Found, raised_in, score
from alerts.simulation.traffic import normal_day


class SeedScore(msgspec.Struct, frozen=True):
    """A day as it is, on which every alert is false, and the same day with an attack of each shape."""

    normal: DayScore
    attacked: DayScore


class ShapeFigures(msgspec.Struct, frozen=True):
    """What became of all attacks of a shape. Minutes and actions of the bots until the alert; None when none came."""

    shape: str
    attacks: int
    found: int
    alerts: int
    minutes_median: float | None
    minutes_p95: float | None
    actions_median: float | None


class Figures(msgspec.Struct, frozen=True):
    """`precision` counts every alert but the first of an attack as false; `recall` is over `HARD_SHAPES`, too, in
    `recall_of_all`."""

    days: int
    false_alarms_on_normal_days: int
    precision: float
    recall: float
    recall_of_all: float
    shapes: Sequence[ShapeFigures]


def simulate(seed: int, rules: RuleSet) -> SeedScore:
    """One day, without and with attacks."""
    rng = np.random.default_rng(seed)
    day = normal_day(rng)
    longest = max(rule.window_minutes for rule in rules.posts)
    normal = score(raised_in(day.posts, rules), [], longest)
    attacks = attacks_on(rng, day)
    posts = day.posts.copy()
    for attack in attacks:
        posts[attack.post] += attack.figures
    return SeedScore(normal, score(raised_in(posts, rules), attacks, longest))


def simulate_all(seeds: Sequence[int], rules: RuleSet, workers: int) -> Iterable[SeedScore]:
    """All of them, in the order of the seeds, as they come."""
    if workers == 1:
        yield from (simulate(seed, rules) for seed in seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(simulate, rules=rules), seeds)


def figures_of(scores: Sequence[SeedScore]) -> Figures:
    """What all days say together."""
    found = [each for score in scores for each in score.attacked.found]
    usual = [each for each in found if each.shape not in HARD_SHAPES]
    alerts = sum(each.alerts for each in found) + sum(score.attacked.false_alarms for score in scores)
    hits = sum(each.alerts > 0 for each in found)
    return Figures(
        days=len(scores),
        false_alarms_on_normal_days=sum(score.normal.false_alarms for score in scores),
        precision=hits / alerts if alerts else 1.0,
        recall=_share_found(usual),
        recall_of_all=_share_found(found),
        shapes=[_of_shape(shape, [each for each in found if each.shape == shape]) for shape in SHAPES],
    )


def _share_found(found: Sequence[Found]) -> float:
    return sum(each.alerts > 0 for each in found) / len(found)


def _of_shape(shape: str, found: Sequence[Found]) -> ShapeFigures:
    hits = [each for each in found if each.alerts]
    minutes, actions = [each.minutes for each in hits], [each.actions for each in hits]
    return ShapeFigures(
        shape=shape,
        attacks=len(found),
        found=len(hits),
        alerts=sum(each.alerts for each in found),
        minutes_median=float(np.median(minutes)) if hits else None,
        minutes_p95=float(np.percentile(minutes, 95)) if hits else None,
        actions_median=float(np.median(actions)) if hits else None,
    )
