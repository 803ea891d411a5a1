"""Who was there with which facets, exactly: a set of (user hash, facet string) pairs."""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.uint32]

MAX_PAIRS = 1_000_000
"""A bucket with more distinct pairs than this is kept as a sketch. Not below the exact limit of a report: a
bucket inside a range that is to be counted exactly must still be exact."""

_FEW_RUNS = 32


class Pairs(msgspec.Struct, frozen=True, eq=False):
    """Two arrays of one length: the users' 64-bit hashes and the numbers of their facet strings in a
    `FacetTable`. A pair may occur more than once until `distinct` is called."""

    hashes: Hashes
    facets: Numbers

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def nbytes(self) -> int:
        return self.hashes.nbytes + self.facets.nbytes


def concatenate(parts: Sequence[Pairs]) -> Pairs:
    """All pairs of the parts, repetitions included."""
    if not parts:
        return Pairs(np.empty(0, np.uint64), np.empty(0, np.uint32))
    if len(parts) == 1:
        return parts[0]
    return Pairs(
        np.concatenate([part.hashes for part in parts]), np.concatenate([part.facets for part in parts])
    )


def distinct(pairs: Pairs) -> Pairs:
    """The same set, sorted by user, then facet string, each pair once."""
    hashes, facets = pairs.hashes, pairs.facets
    if (kind := _sort_kind(hashes)) is not None:
        order = np.argsort(hashes, kind=kind)
        hashes, facets = hashes[order], facets[order]
    first = starts_of_users(hashes)
    if first.all():  # the usual case of a short range: nobody came twice
        return Pairs(hashes, facets)
    # A user's rank instead of the hash leaves room for the facets in one 64-bit key: one more sort, not two.
    users = (np.cumsum(first) - 1).astype(np.uint64)
    keys = (users << np.uint64(32)) | facets
    # Who came once is in place already, and so are the places of each who came more often.
    several = ~first
    several[:-1] |= several[1:]
    keys[several] = np.sort(keys[several])
    once = starts_of_users(keys)
    if once.all():
        return Pairs(hashes, keys.astype(np.uint32))
    keys = keys[once]
    return Pairs(hashes[first][keys >> np.uint64(32)], keys.astype(np.uint32))


def starts_of_users(hashes: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.bool_]:
    """Where a new value begins in a sorted array."""
    starts = np.ones(len(hashes), bool)
    np.not_equal(hashes[1:], hashes[:-1], out=starts[1:])
    return starts


def _sort_kind(values: Hashes) -> Literal["quicksort", "stable"] | None:
    """None when the values ascend already. A few ascending runs, such as buckets put together, are merged by the
    stable sort in a fifth of the time that sorting anew takes."""
    descents = np.count_nonzero(values[1:] < values[:-1])
    if not descents:
        return None
    return "stable" if descents < _FEW_RUNS else "quicksort"
