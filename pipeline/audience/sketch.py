"""An audience as HyperLogLog registers: one row for all users and one per facet value."""

import numpy as np
import numpy.typing as npt

from pipeline.audience.facets import FacetTable
from pipeline.audience.hyperloglog import REGISTERS, Registers, estimate, index_and_rank
from pipeline.audience.pairs import Pairs

MAX_VALUES = 512
"""So many values of an open facet are kept apart, first come; the users of later ones share one row, which
counts into `other`. Bounds memory (128 KiB a row) whatever senders write as their country."""

_FIRST_ROWS = 16
_MORE_ROWS = 64

OVERFLOW = "\x1f"
"""The shared row's value; no facet value can hold the separator."""


class Sketch:
    """Estimates of distinct users, in total and per facet value. Only ever grows: adding is idempotent."""

    def __init__(self, table: FacetTable) -> None:
        self.table = table
        self.rows: list[dict[str, int]] = [{} for _ in table.names]
        """Per facet, the row of each value."""
        self._registers: npt.NDArray[np.uint8] = np.zeros((_FIRST_ROWS, REGISTERS), np.uint8)
        self._used: int = 1

    @property
    def nbytes(self) -> int:
        return self._registers.nbytes

    @property
    def registers(self) -> npt.NDArray[np.uint8]:
        """Shape (rows, REGISTERS). Row 0 is everybody."""
        return self._registers[: self._used]

    def row(self, facet: int, value: str) -> int:
        """The row of a value, a new one if it is new and there is room."""
        rows = self.rows[facet]
        row = rows.get(value)
        if row is None:
            if len(rows) >= MAX_VALUES and value != OVERFLOW:
                return self.row(facet, OVERFLOW)
            if self._used == len(self._registers):
                more = np.zeros((_MORE_ROWS, REGISTERS), np.uint8)
                self._registers = np.concatenate([self._registers, more])
            row = rows[value] = self._used
            self._used += 1
        return row

    def add(self, pairs: Pairs) -> None:
        """Adds users with their facets."""
        if not len(pairs):
            return
        index, rank = index_and_rank(pairs.hashes)
        np.maximum.at(self._registers[0], index, rank)
        of_string = self.table.value_numbers()
        for facet in range(len(self.table.names)):
            values = of_string[:, facet][pairs.facets]
            known = values > 0
            row_of = np.zeros(len(self.table.values[facet]), np.int64)
            for number in np.flatnonzero(np.bincount(values, minlength=1)).tolist():
                if number:
                    row_of[number] = self.row(facet, self.table.values[facet][number])
            if known.all():
                at, ranks = row_of[values] * REGISTERS + index, rank
            else:
                at, ranks = row_of[values[known]] * REGISTERS + index[known], rank[known]
            np.maximum.at(self._registers.reshape(-1), at, ranks)

    def merge(self, other: "Sketch") -> None:
        """Adds everybody of another sketch of the same source."""
        if self._used == 1 and not self._registers[0].any():
            self._registers, self._used = other.registers.copy(), other._used
            self.rows = [dict(rows) for rows in other.rows]
            return
        self.merge_row(0, other.registers[0])
        for facet, rows in enumerate(other.rows):
            for value, row in rows.items():
                self.merge_row(self.row(facet, value), other.registers[row])

    def merge_row(self, row: int, registers: Registers) -> None:
        np.maximum(self._registers[row], registers, out=self._registers[row])

    def count(self, rows: list[int]) -> int:
        """Distinct users in the union of some rows."""
        if not rows:
            return 0
        union = self._registers[rows[0]] if len(rows) == 1 else np.maximum.reduce(self._registers[rows])
        return round(estimate(union))
