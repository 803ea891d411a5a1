"""Sums by minute, and the sums of any window of them at once.

A minute is a number: minutes since 1970, by the time of the events.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
"""Figures of likes over some time, by the columns below."""

LIKES, FLIPS, NEWBORN, YOUNG = range(4)
BUCKETS = 16
"""Addresses are spread over so many buckets by their hash: a bucket has at least the likes of any address in it."""
ADDRESSES = slice(4, 4 + BUCKETS)
COLUMNS = 4 + BUCKETS

QUARTER_MINUTES = 15


class Series:
    """Figures by minute, from `first` on. What lies outside counts as nothing."""

    def __init__(self, first: int, minutes: Counts) -> None:
        """`minutes` has a row for each minute."""
        self.first = first
        self.last = first + len(minutes) - 1
        self._sums: Counts = np.zeros((len(minutes) + 1, minutes.shape[1]), np.int64)
        np.cumsum(minutes, axis=0, out=self._sums[1:])

    def window(self, end: int, minutes: int) -> Counts:
        """The sums of so many minutes, of which `end` is the last."""
        return self._sums[self._index(end + 1)] - self._sums[self._index(end + 1 - minutes)]

    def windows(self, column: int | slice, first: int, last: int, minutes: int) -> Counts:
        """The sums of a column, or of several, over the windows that end at `first`, …, `last`."""
        ends = np.clip(np.arange(first, last + 1) + 1 - self.first, 0, len(self._sums) - 1)
        starts = np.clip(np.arange(first, last + 1) + 1 - minutes - self.first, 0, len(self._sums) - 1)
        figures = self._sums[:, column]
        return figures[ends] - figures[starts]

    def _index(self, minute: int) -> int:
        return min(max(minute - self.first, 0), len(self._sums) - 1)


class Usual:
    """Figures of all posts together, by quarters of an hour."""

    def __init__(self, quarters: Series, minutes: int) -> None:
        """`minutes` is how far back the usual reaches."""
        self._quarters = quarters
        self._span = -(-minutes // QUARTER_MINUTES)

    def beside(self, post: Series, end: int) -> Counts:
        """What all other posts had up to the quarter of the minute `end`."""
        quarter = end // QUARTER_MINUTES
        own = post.window((quarter + 1) * QUARTER_MINUTES - 1, self._span * QUARTER_MINUTES)
        return np.maximum(self._quarters.window(quarter, self._span) - own, 0)


def row(likes: int, flips: int, newborn: int, young: int, bucket: int) -> Counts:
    """The figures of one bucket of one minute; bucket -1 holds addresses that are not known."""
    figures: Counts = np.zeros(COLUMNS, np.int64)
    figures[:4] = likes, flips, newborn, young
    if bucket >= 0:
        figures[4 + bucket] = likes
    return figures


def series_of(first: int, last: int, rows: Iterable[tuple[int, Counts]]) -> Series:
    """A series of what is known of single (minute, figures); what lies outside `first` to `last` is left out."""
    minutes: Counts = np.zeros((last - first + 1, COLUMNS), np.int64)
    for minute, figures in rows:
        if first <= minute <= last:
            minutes[minute - first] += figures
    return Series(first, minutes)
