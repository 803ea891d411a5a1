"""What the publisher has to remember of an event after sending it: 25 bytes, in columns."""

from array import array
from collections.abc import Collection, Iterable
from itertools import compress
from uuid import UUID

import msgspec

from publisher.templates import ID_PREFIX, IS_SHAPE, TYPES


class Facts(msgspec.Struct, frozen=True):
    """Some events, one entry per event in every column, in the order of sending.

    `ids`: 16 bytes of UUID each. `codes`: index into `TYPES`. `people`: index of the persona of a user seen
    once, or `~slot` of a returning user. `measures`: see `EventType`.
    """

    ids: bytes
    codes: bytes
    people: "array[int]"
    measures: "array[int]"

    def __len__(self) -> int:
        return len(self.codes)

    def event_id(self, index: int) -> str:
        """The id of one event, as it is sent."""
        source = TYPES[self.codes[index]].source
        return ID_PREFIX[source] + str(UUID(bytes=self.ids[16 * index : 16 * index + 16]))

    def between(self, start: int, stop: int) -> "Facts":
        return Facts(
            self.ids[16 * start : 16 * stop],
            self.codes[start:stop],
            self.people[start:stop],
            self.measures[start:stop],
        )

    def without(self, indices: Collection[int]) -> "Facts":
        """The same events except those at `indices`."""
        keep = [index not in indices for index in range(len(self))]
        ids = (self.ids[at : at + 16] for at in range(0, len(self.ids), 16))
        return Facts(
            b"".join(compress(ids, keep)),
            bytes(compress(self.codes, keep)),
            array("i", compress(self.people, keep)),
            array("i", compress(self.measures, keep)),
        )

    def of_shape(self, column: Iterable[int], shape: int) -> Iterable[int]:
        """The entries of a column that belong to events of one (source, funnel stage)."""
        return compress(column, self.codes.translate(IS_SHAPE[shape]))

    @classmethod
    def joined(cls, parts: "Collection[Facts]") -> "Facts":
        """The events of all parts, one after another."""
        people, measures = array("i"), array("i")
        for part in parts:
            people.extend(part.people)
            measures.extend(part.measures)
        return cls(
            b"".join(part.ids for part in parts), b"".join(part.codes for part in parts), people, measures
        )
