"""One range of one source as far as it has been read."""

import asyncio
import time
from collections.abc import Sequence

from pipeline.audience.buckets import Audience, union
from pipeline.audience.counting import AudienceCounts
from pipeline.audience.facets import FacetTable
from pipeline.audience.pairs import Pairs, concatenate
from pipeline.audience.sketch import Sketch
from reporter.audience_parts import Part

_BYTES_OF_PART = 200


class RangeAudience:
    """The users of `parts`, and their `counts`. Pairs up to `max_pairs`, beyond that a sketch.

    Whoever changes it holds `changing`. `add` may run in a thread.
    """

    def __init__(self, table: FacetTable, max_pairs: int) -> None:
        self.table = table
        self.audience: Audience = concatenate([]) if max_pairs else Sketch(table)
        self.parts: frozenset[Part] = frozenset()
        self.counts: AudienceCounts | None = None
        self.changing = asyncio.Lock()
        self.begun_at = time.monotonic()
        self._max_pairs = max_pairs

    @property
    def nbytes(self) -> int:
        return self.audience.nbytes + len(self.parts) * _BYTES_OF_PART

    def add(self, audiences: Sequence[Audience]) -> None:
        """Adds everybody of some audiences, which stay as they are."""
        if isinstance(self.audience, Pairs):
            self.audience = union([self.audience, *audiences], self.table, self._max_pairs)
            return
        for audience in audiences:
            if isinstance(audience, Sketch):
                self.audience.merge(audience)
        self.audience.add(concatenate([audience for audience in audiences if isinstance(audience, Pairs)]))
