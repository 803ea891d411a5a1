"""Facet strings as numbers, shared by all audiences of one source in one process."""

import threading
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

SEPARATOR = "\x1f"
"""Joins the facet values of one event (the separator of `pipeline.events.record`)."""


class FacetTable:
    """Numbers facet strings and their single values, in the order in which they turn up.

    A process meets the same few thousand strings in every segment. Numbering them once lets everything after
    work on arrays of numbers. Safe to use from several threads; append-only.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.values: list[list[str]] = [[""] for _ in self.names]
        """Per facet, the values by value number. Number 0 is the empty string: not known."""
        self._value_numbers: list[dict[str, int]] = [{"": 0} for _ in self.names]
        self._numbers: dict[str, int] = {}
        self._strings: list[str] = []
        self._rows: list[tuple[int, ...]] = []
        self._value_numbers_so_far = np.empty((0, len(self.names)), np.int64)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._strings)

    def numbers_of(self, facets: Iterable[str]) -> npt.NDArray[np.uint32]:
        """The numbers of facet strings, new ones given out as needed."""
        with self._lock:
            return np.array([self._number_of(facet) for facet in facets], dtype=np.uint32)

    def strings_of(self, numbers: npt.NDArray[np.uint32]) -> list[str]:
        """The facet strings that have these numbers."""
        return [self._strings[number] for number in numbers.tolist()]

    def value_numbers(self) -> npt.NDArray[np.int64]:
        """Shape (facet strings, facets): which value number each string has in each facet."""
        with self._lock:
            if new := self._rows[len(self._value_numbers_so_far) :]:
                rows = np.array(new, np.int64).reshape(len(new), len(self.names))
                self._value_numbers_so_far = np.concatenate([self._value_numbers_so_far, rows])
            return self._value_numbers_so_far

    def _number_of(self, facet: str) -> int:
        number = self._numbers.get(facet)
        if number is None:
            parts = facet.split(SEPARATOR)
            parts += [""] * (len(self.names) - len(parts))
            self._rows.append(tuple(self._number_value(i, parts[i]) for i in range(len(self.names))))
            self._strings.append(facet)
            number = self._numbers[facet] = len(self._strings) - 1
        return number

    def _number_value(self, facet: int, value: str) -> int:
        numbers = self._value_numbers[facet]
        number = numbers.get(value)
        if number is None:
            number = numbers[value] = len(self.values[facet])
            self.values[facet].append(value)
        return number
