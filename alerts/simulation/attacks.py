"""What bots do: likes that are added to a day, in the shapes in which they are bought and programmed."""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from alerts.series import BUCKETS, COLUMNS, FLIPS, LIKES, Counts
from alerts.simulation.traffic import HISTORY, MINUTES, Crowd, Day, given_by

_OWN_ADDRESSES = np.zeros(BUCKETS)


class Attack(msgspec.Struct, frozen=True):
    """`figures` by minute are added to those of the post."""

    shape: str
    post: int
    figures: Counts

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last minute of it."""
        busy = np.flatnonzero(self.figures[:, LIKES] + self.figures[:, FLIPS])
        return int(busy[0]), int(busy[-1])

    def done_by(self, minute: int) -> int:
        """How many likes and flips the bots have given up to the end of a minute."""
        return int(self.figures[: minute + 1, [LIKES, FLIPS]].sum())


def attacks_on(rng: np.random.Generator, day: Day) -> list[Attack]:
    """One attack of each shape, on posts of their own."""
    posts = rng.choice(np.array(day.quiet_posts), len(SHAPES), replace=False)
    made: list[Attack] = []
    for (shape, make), post in zip(SHAPES.items(), posts, strict=True):
        on = day.viral if shape == "hidden in a viral post" else int(post)
        made.append(Attack(shape, on, make(rng, day)))
    return made


def _burst(rng: np.random.Generator, day: Day) -> Counts:
    """150 to 1,500 accounts that were made for it, each with an address of its own, within 5 to 30 minutes."""
    crowd = Crowd(rng.uniform(0.4, 1.0), 1.0, _OWN_ADDRESSES)
    return given_by(rng, _spread(rng, (150, 1500), (5, 30)), crowd)


def _one_address(rng: np.random.Generator, day: Day) -> Counts:
    """100 to 800 accounts of any age from one to three addresses, within 10 to 60 minutes."""
    buckets = np.zeros(BUCKETS)
    np.add.at(buckets, rng.integers(0, BUCKETS, rng.integers(1, 4)), 1.0)
    crowd = Crowd(day.crowd.newborn, day.crowd.young, buckets / buckets.sum(), unknown=0.0)
    return given_by(rng, _spread(rng, (100, 800), (10, 60)), crowd)


def _drip(rng: np.random.Generator, day: Day) -> Counts:
    """200 to 800 accounts of the last day, one after the other over 3 to 10 hours."""
    crowd = Crowd(rng.uniform(0.1, 0.6), rng.uniform(0.9, 1.0), _OWN_ADDRESSES)
    return given_by(rng, _spread(rng, (200, 800), (180, 600)), crowd)


def _flapping(rng: np.random.Generator, day: Day) -> Counts:
    """10 to 50 accounts take their like back and give it again, 150 to 1,500 times in all, within 10 to 60 minutes."""
    flips = _spread(rng, (150, 1500), (10, 60))
    figures: Counts = np.zeros((MINUTES, COLUMNS), np.int64)
    figures[:, FLIPS] = flips
    joined = np.minimum(flips, 1) * (np.cumsum(flips > 0) <= rng.integers(10, 51))
    return figures + given_by(rng, joined, msgspec.structs.replace(day.crowd, flips=0.0))


def _hidden(rng: np.random.Generator, day: Day) -> Counts:
    """A burst on the viral post, at its height, as a fourth to a half of its likes then."""
    likes = day.posts[day.viral][:, LIKES]
    peak = int(
        np.clip(
            np.convolve(likes[HISTORY:], np.ones(30), "same").argmax() + HISTORY, HISTORY + 15, MINUTES - 30
        )
    )
    there = int(likes[peak - 10 : peak + 10].sum())
    bots: Counts = np.zeros(MINUTES, np.int64)
    share = rng.uniform(0.25, 0.5)
    np.add.at(bots, peak + rng.integers(-10, 10, max(20, int(there * share / (1 - share)))), 1)
    return given_by(rng, bots, Crowd(rng.uniform(0.4, 1.0), 1.0, _OWN_ADDRESSES))


def _aged(rng: np.random.Generator, day: Day) -> Counts:
    """150 to 1,500 accounts as old as everybody's, from everywhere, within 5 to 30 minutes."""
    return given_by(rng, _spread(rng, (150, 1500), (5, 30)), day.crowd)


SHAPES: Mapping[str, Callable[[np.random.Generator, Day], Counts]] = {
    "burst from new accounts": _burst,
    "from one address": _one_address,
    "slow drip": _drip,
    "flapping": _flapping,
    "hidden in a viral post": _hidden,
    "aged accounts": _aged,
}
HARD_SHAPES = frozenset({"hidden in a viral post", "aged accounts"})
"""Made so that the marks the rules look at are diluted, or not there at all."""


def _spread(rng: np.random.Generator, likes: tuple[int, int], minutes: tuple[int, int]) -> Counts:
    """So many likes at random over so many minutes, somewhere in the day."""
    length = int(rng.integers(minutes[0], minutes[1] + 1))
    start = int(rng.integers(HISTORY + 60, MINUTES - length))
    figures: Counts = np.zeros(MINUTES, np.int64)
    np.add.at(figures, start + rng.integers(0, length, int(rng.integers(likes[0], likes[1] + 1))), 1)
    return figures
