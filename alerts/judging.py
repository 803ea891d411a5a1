"""What a rule sees in the window that ends with a minute: pure, the same for live traffic and for simulations."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from alerts.rules import Absence, Concentration, EpisodicRule, ErrorRate, Flapping, Growth, PostRule
from alerts.series import ADDRESSES, FLIPS, LIKES, YOUNG, Series, Usual
from alerts.suspicion import FEW, Suspicion, suspicions

ACCEPTED, FAILED = range(2)
"""The columns of a source's series."""


class Reading(msgspec.Struct, frozen=True):
    """`holds`: an alert is to be opened. `quiet`: an open one may be cleared. In between all stays as it is."""

    rule: EpisodicRule
    value: float
    holds: bool
    quiet: bool
    details: Mapping[str, Any]


def judge_post(rule: PostRule, post: Series, usual: Usual, end: int) -> Reading:
    """The reading of a rule on a post, for the window whose last minute is `end`."""
    if isinstance(rule, Flapping):
        return _judge_flapping(rule, post, end)
    return _judge_composition(rule, post, usual, end)


def worth_judging(rule: PostRule, post: Series, first: int, last: int) -> npt.NDArray[np.bool_]:
    """For each minute of a span, whether the rule could hold there at all: a quick look, without false negatives."""
    if isinstance(rule, Flapping):
        return post.windows(FLIPS, first, last, rule.window_minutes) >= rule.threshold
    # A share of suspicious likes is never larger than the share that has the mark.
    figures = post.windows(slice(None), first, last, rule.window_minutes)
    young, addresses = figures[:, YOUNG], np.sort(figures[:, ADDRESSES], axis=1)[:, -FEW:].sum(axis=1)
    marked = (young >= rule.threshold * figures[:, LIKES]) & (young >= rule.min_suspicious)
    together = addresses >= rule.address_threshold * figures[:, ADDRESSES].sum(axis=1)
    return marked | (together & (figures[:, LIKES] >= rule.min_suspicious))


def judge_source(rule: Absence | ErrorRate, source: Series, end: int) -> Reading:
    """The reading of a rule on a source."""
    window = source.window(end, rule.window_minutes)
    accepted, failed = int(window[ACCEPTED]), int(window[FAILED])
    if isinstance(rule, ErrorRate):
        value = failed / (failed + accepted) if failed else 0.0
        details = {"failed": failed, "accepted": accepted, "share": round(value, 4)}
        holds = value >= rule.threshold and failed >= rule.min_failures
        return Reading(rule, value, holds, value < rule.clear_threshold, details)
    silence = _silence(source, end, rule.window_minutes)
    before = end - rule.window_minutes
    active = int((source.windows(ACCEPTED, before - rule.baseline_minutes + 1, before, 1) > 0).sum())
    details = {"silentMinutes": silence, "activeMinutesBefore": active}
    used_to_send = active >= rule.active_share * rule.baseline_minutes
    return Reading(
        rule, silence, silence >= rule.threshold and used_to_send, silence < rule.clear_threshold, details
    )


def _judge_composition(rule: Concentration, post: Series, usual: Usual, end: int) -> Reading:
    window = post.window(end, rule.window_minutes)
    likes = int(window[LIKES])
    details: dict[str, Any] = {"likes": likes}
    if 2 * likes < rule.min_suspicious:
        return Reading(rule, 0.0, holds=False, quiet=True, details=details)
    others = usual.beside(post, end)
    if int(others[LIKES]) < rule.usual_likes:
        return Reading(rule, 0.0, holds=False, quiet=True, details=details)
    found = [sign for sign in suspicions(window, others) if sign.significance >= rule.significance]
    if not found:
        return Reading(rule, 0.0, holds=False, quiet=True, details=details)
    strongest = max(found, key=lambda sign: _strength(rule, sign))
    value, suspicious = _strength(rule, strongest), strongest.share * likes
    details |= {
        "sign": strongest.sign,
        "share": round(strongest.seen, 4),
        "usualShare": round(strongest.usual, 4),
        "suspiciousShare": round(strongest.share, 4),
        "suspiciousLikes": round(suspicious),
    }
    holds = value >= 1 and suspicious >= rule.min_suspicious
    if isinstance(rule, Growth):
        factor = _growth(rule, post, end, likes)
        holds = holds and factor >= rule.growth_factor
        details["growth"] = round(factor, 2)
    quiet = value < rule.clear_threshold / rule.threshold or 2 * suspicious < rule.min_suspicious
    return Reading(rule, value, holds, quiet, details)


def _strength(rule: Concentration, sign: Suspicion) -> float:
    return sign.share / (rule.address_threshold if sign.of_addresses else rule.threshold)


def _growth(rule: Growth, post: Series, end: int, likes: int) -> float:
    """How many times the baseline the window is. A post without a past is taken to have had one like in it."""
    before = int(post.window(end - rule.window_minutes, rule.baseline_minutes)[LIKES])
    return likes / (max(before, 1) * rule.window_minutes / rule.baseline_minutes)


def _judge_flapping(rule: Flapping, post: Series, end: int) -> Reading:
    window = post.window(end, rule.window_minutes)
    likes, flips = int(window[LIKES]), int(window[FLIPS])
    share = flips / (flips + likes) if flips else 0.0
    holds = flips >= rule.threshold and share >= rule.min_share
    return Reading(
        rule,
        flips,
        holds,
        flips < rule.clear_threshold,
        {"likes": likes, "flips": flips, "share": round(share, 4)},
    )


def _silence(source: Series, end: int, most: int) -> int:
    """For how many minutes nothing came, up to `most`."""
    recent = source.windows(ACCEPTED, end - most + 1, end, 1)
    heard = np.flatnonzero(recent)
    return most - 1 - int(heard[-1]) if len(heard) else most
