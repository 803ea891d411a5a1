"""A normal day of likes, as figures by post and minute."""

import msgspec
import numpy as np
import numpy.typing as npt

from alerts.series import ADDRESSES, BUCKETS, COLUMNS, FLIPS, LIKES, NEWBORN, YOUNG, Counts

FIRST_MINUTE = 29_640_960
"""Of every simulation, in minutes since 1970: a midnight of UTC."""
HISTORY = 360
"""So many minutes go before the day that is judged."""
MINUTES = HISTORY + 1440

_POSTS = 150
_VIRAL = 0
_CLASS = 1

Shares = npt.NDArray[np.float64]


class Crowd(msgspec.Struct, frozen=True):
    """Who gives some likes. `young` is the share of accounts of the last day, `newborn` that of the last ten minutes.

    `carriers` are addresses that many people share: how much of the likes each brings, by its bucket. All others have
    addresses of their own, which spread evenly, but for `unknown` who have none. `flips` are taken back repeatedly.
    """

    newborn: float
    young: float
    carriers: Shares
    unknown: float = 0.02
    flips: float = 0.004

    @property
    def buckets(self) -> Shares:
        """The share of each bucket of addresses."""
        return self.carriers + (1 - self.carriers.sum()) / BUCKETS


class Day(msgspec.Struct, frozen=True):
    """`posts` are figures by post, minute and column; `crowd` is who is usually there."""

    posts: Counts
    crowd: Crowd
    viral: int = _VIRAL

    @property
    def quiet_posts(self) -> range:
        """Posts of which nothing is said."""
        return range(2, len(self.posts))


def normal_day(rng: np.random.Generator) -> Day:
    """A day with a viral post and a school class."""
    young = rng.uniform(0.03, 0.12)
    crowd = Crowd(young * rng.uniform(0.05, 0.3), young, _carriers(rng))
    posts: Counts = np.zeros((_POSTS, MINUTES, COLUMNS), np.int64)
    total = rng.uniform(15_000, 60_000)
    weights = rng.permutation(1 / np.arange(1, _POSTS + 1) ** rng.uniform(0.8, 1.2))
    for post, weight in enumerate(weights / weights.sum()):
        likes = _poisson(rng, total * weight * _interest(rng))
        posts[post] = given_by(rng, likes, _audience(rng, crowd))
    posts[_VIRAL] += given_by(rng, _poisson(rng, _viral(rng)), _drawn_in(rng, crowd))
    posts[_CLASS] += _school_class(rng, crowd)
    return Day(posts, crowd)


def given_by(rng: np.random.Generator, likes: Counts, crowd: Crowd) -> Counts:
    """The figures of so many likes by minute, when such a crowd gives them."""
    figures: Counts = np.zeros((len(likes), COLUMNS), np.int64)
    figures[:, LIKES] = likes
    figures[:, NEWBORN] = rng.binomial(likes, crowd.newborn)
    older = (crowd.young - crowd.newborn) / (1 - crowd.newborn) if crowd.newborn < 1 else 0.0
    figures[:, YOUNG] = figures[:, NEWBORN] + rng.binomial(likes - figures[:, NEWBORN], older)
    figures[:, ADDRESSES] = rng.multinomial(likes - rng.binomial(likes, crowd.unknown), crowd.buckets)
    figures[:, FLIPS] = rng.binomial(likes, crowd.flips)
    return figures


def _poisson(rng: np.random.Generator, rate: Shares) -> Counts:
    """Likes come in small waves: the rate itself varies from five minutes to five minutes."""
    waves = np.repeat(rng.gamma(4.0, 0.25, -(-MINUTES // 5)), 5)[:MINUTES]
    return rng.poisson(rate * waves)


def _interest(rng: np.random.Generator) -> Shares:
    """How the likes of a post are spread over the day; sums to about one. Most come soon after it was posted."""
    minutes = np.arange(MINUTES)
    hours = (minutes - HISTORY) / 60
    awake = 1 + 0.75 * np.cos((hours - 20) / 24 * 2 * np.pi)
    posted = rng.uniform(-MINUTES, MINUTES)
    fresh = np.where(minutes >= posted, np.exp(-(minutes - posted) / rng.uniform(200, 2000)), 0.0)
    shape = awake * (0.1 + fresh)
    return shape / shape.sum()


def _carriers(rng: np.random.Generator) -> Shares:
    """Five carriers that hide their customers behind one address each, with 2 to 15 % of all likes between them."""
    carriers = np.zeros(BUCKETS)
    shares = rng.uniform(0.02, 0.15) * rng.dirichlet(np.full(5, 2.0))
    np.add.at(carriers, rng.integers(0, BUCKETS, 5), shares)
    return carriers


def _region(rng: np.random.Generator, crowd: Crowd, strength: float) -> Shares:
    """Where a post is liked, a carrier has more or less than its usual share; never more than 60 % together."""
    carriers = crowd.carriers * rng.gamma(2.0, 0.5, BUCKETS) * strength
    return carriers * min(1.0, 0.6 / carriers.sum())


def _audience(rng: np.random.Generator, crowd: Crowd) -> Crowd:
    """No post has quite the same audience as all together."""
    young = float(rng.beta(30 * crowd.young, 30 * (1 - crowd.young)))
    newborn = young * rng.uniform(0.05, 0.3)
    return Crowd(newborn, young, _region(rng, crowd, 1.0), flips=rng.uniform(0.0, 0.01))


def _drawn_in(rng: np.random.Generator, crowd: Crowd) -> Crowd:
    """A viral post brings people who have signed up because of it, and many from one region."""
    young = min(0.35, crowd.young * rng.uniform(1.0, 3.0) + rng.uniform(0, 0.05))
    newborn = young * rng.uniform(0.1, 0.5)
    return Crowd(newborn, young, _region(rng, crowd, rng.uniform(1.0, 2.0)), flips=rng.uniform(0.0, 0.01))


def _viral(rng: np.random.Generator) -> Shares:
    """From next to nothing to its peak within one to three hours, half of it gone after one to five."""
    minutes = np.arange(MINUTES)
    peak_at = rng.uniform(HISTORY + 120, MINUTES - 180)
    peak, rise, fall = rng.uniform(20, 150), rng.uniform(8, 30), rng.uniform(60, 300)
    return peak * np.where(
        minutes < peak_at, np.exp((minutes - peak_at) / rise), 0.5 ** ((minutes - peak_at) / fall)
    )


def _school_class(rng: np.random.Generator, crowd: Crowd) -> Counts:
    """Twenty to forty people in one room like a post within a quarter of an hour."""
    likes: Counts = np.zeros(MINUTES, np.int64)
    start = int(rng.integers(HISTORY, MINUTES - 20))
    np.add.at(likes, start + rng.integers(0, 15, rng.integers(20, 41)), 1)
    room = np.eye(BUCKETS)[rng.integers(BUCKETS)]
    return given_by(rng, likes, Crowd(0.0, crowd.young, room))
