"""The audience of one stored batch: 18 bytes per event, big-endian, as Postgres' own `int8send` writes them."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.audience.facets import FacetTable
from pipeline.audience.pairs import Hashes, Numbers, Pairs

RECORD = np.dtype([("user", ">u8"), ("micros", ">i8"), ("facet", ">u2")])
"""User hash (`hashtextextended(user_id, 0)`, its 64 bits), microseconds since 1970, index into the facets."""


class Segment(msgspec.Struct, frozen=True, eq=False):
    """Three arrays of one length: users' hashes, microseconds since 1970, facet numbers of a `FacetTable`."""

    hashes: Hashes
    micros: npt.NDArray[np.int64]
    facets: Numbers

    @property
    def nbytes(self) -> int:
        return self.hashes.nbytes + self.micros.nbytes + self.facets.nbytes

    def within(self, from_micros: int | None, to_micros: int | None) -> Pairs:
        """The users that had an event in [from, to); None leaves an end open."""
        if from_micros is None and to_micros is None:
            return Pairs(self.hashes, self.facets)
        inside = np.ones(len(self.micros), bool)
        if from_micros is not None:
            inside &= self.micros >= from_micros
        if to_micros is not None:
            inside &= self.micros < to_micros
        if inside.all():
            return Pairs(self.hashes, self.facets)
        return Pairs(self.hashes[inside], self.facets[inside])


def decode_segment(data: bytes, facets: Sequence[str], table: FacetTable) -> Segment:
    """A segment from its stored columns. Raises ValueError when the bytes are not whole records."""
    records = np.frombuffer(data, RECORD)
    numbers = table.numbers_of(facets)
    return Segment(
        records["user"].astype(np.uint64), records["micros"].astype(np.int64), numbers[records["facet"]]
    )


def encode_segment(hashes: Hashes, micros: npt.NDArray[np.int64], facets: npt.NDArray[np.uint16]) -> bytes:
    """The `data` column of a segment; `facets` are indexes into its `facets` column."""
    records = np.empty(len(hashes), RECORD)
    records["user"], records["micros"], records["facet"] = hashes, micros, facets
    return records.tobytes()
