"""How many of a post's likes were not given by people? An estimate, from what they have too much of.

Growth alone says nothing: a post that goes viral grows as fast as one that is attacked. But its likes come from the
same people as those of all other posts, and an attacker's do not: they come from accounts that were made for it, or
from few addresses. Say that a share f of the likes were given by programs, all with a mark that a share c of the other
posts' likes has: then f + (1 - f) c of the likes have the mark. So the share that is seen tells f.
"""

import math

import msgspec

from alerts.series import ADDRESSES, BUCKETS, LIKES, NEWBORN, YOUNG, Counts

FEW = 3
"""Addresses that count as few."""
_RAREST = 0.005
"""A mark that nobody has had so far is taken for this rare, and not for impossible."""


class Suspicion(msgspec.Struct, frozen=True):
    """`share` of the likes are too many of those with the mark `sign`, by `significance` standard deviations of chance.
    `seen` is the share that has the mark, `usual` that of the other posts' likes."""

    sign: str
    of_addresses: bool
    share: float
    significance: float
    seen: float
    usual: float


def suspicions(post: Counts, others: Counts) -> list[Suspicion]:
    """All signs, whether they say anything or not."""
    post_likes, other_likes = int(post[LIKES]), int(others[LIKES])
    found: list[Suspicion] = []
    for sign, column in (("newborn accounts", NEWBORN), ("new accounts", YOUNG)):
        found += _compare(
            sign,
            False,
            int(post[column]),
            post_likes,
            (int(others[column]) + 1) / (other_likes + 2),
            other_likes,
        )
    # The buckets are those that stand out most, not the largest: one that is large everywhere is a carrier's.
    known, known_elsewhere = int(post[ADDRESSES].sum()), int(others[ADDRESSES].sum())
    if known and known_elsewhere:
        elsewhere = (others[ADDRESSES] + 1) / (known_elsewhere + BUCKETS)
        ranked = (post[ADDRESSES] / known - elsewhere).argsort()
        for sign, buckets in (("one address", ranked[-1:]), ("few addresses", ranked[-FEW:])):
            marked, usual = int(post[ADDRESSES][buckets].sum()), float(elsewhere[buckets].sum())
            found += _compare(sign, True, marked, known, usual, known_elsewhere)
    return found


def _compare(
    sign: str, of_addresses: bool, marked: int, likes: int, usual: float, likes_elsewhere: int
) -> list[Suspicion]:
    usual = max(usual, _RAREST)
    if not likes or not likes_elsewhere or usual >= 1:
        return []
    seen = marked / likes
    # What is usual is itself an estimate, from no more likes than the other posts have: where everybody comes through
    # one address, a post with most of all likes would otherwise stand out by it.
    deviation = math.sqrt(usual * (1 - usual) * (1 / likes + 1 / likes_elsewhere))
    share, significance = (seen - usual) / (1 - usual), (seen - usual) / deviation
    return [Suspicion(sign, of_addresses, share, significance, seen, usual)]
