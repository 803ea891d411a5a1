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
_BYTES_OF_PAIR = 12


class RangeAudience:
    """The users of `parts`, and their `counts`. Pairs up to `max_pairs`, beyond that a sketch.

    Whoever changes it holds `changing`. `add` may run in a thread.
    """

    def __init__(self, table: FacetTable, max_pairs: int) -> None:
        self.table = table
        self.parts: frozenset[Part] = frozenset()
        self.counts: AudienceCounts | None = None
        self.changing = asyncio.Lock()
        self.begun_at = time.monotonic()
        self._max_pairs = max_pairs
        self._audience: Audience = concatenate([]) if max_pairs else Sketch(table)
        self._waiting: list[Audience] = []

    @property
    def nbytes(self) -> int:
        waiting = sum(audience.nbytes for audience in self._waiting)
        return self._audience.nbytes + waiting + len(self.parts) * _BYTES_OF_PART

    @property
    def audience(self) -> Audience:
        """Everybody. Takes a while: what was added is put together only now, in one go."""
        if self._waiting:
            self._audience = union([self._audience, *self._waiting], self.table, self._max_pairs)
            self._waiting = []
        return self._audience

    def add(self, audiences: Sequence[Audience]) -> None:
        """Adds everybody of some audiences, which stay as they are."""
        if isinstance(self._audience, Pairs):
            self._waiting += audiences
            if sum(audience.nbytes for audience in self._waiting) > self._max_pairs * _BYTES_OF_PAIR:
                _ = self.audience
            return
        for audience in audiences:
            if isinstance(audience, Sketch):
                self._audience.merge(audience)
        self._audience.add(concatenate([audience for audience in audiences if isinstance(audience, Pairs)]))
