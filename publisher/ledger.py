"""Every id that was sent and the verdict it got, against what is stored: 18 bytes an event, exact."""

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from itertools import compress
from uuid import UUID

import msgspec

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.templates import ID_PREFIX, SOURCES, TYPES

PARTITION_KEYS = 500_000  # keys compared at a time: about 80 MB
_KEY_BYTES = 16
_SOURCE_OF_CODE = bytes(SOURCES.index(kind.source) for kind in TYPES).ljust(256, b"\0")
_UUID = "-".join(f"[0-9a-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12))
_OWN_ID = {source: re.compile(rf"(?<!\S){prefix}({_UUID})(?!\S)") for source, prefix in ID_PREFIX.items()}
_IS_SOURCE = tuple(bytes(byte == source for byte in range(256)) for source in range(len(SOURCES)))


class Offence(StrEnum):
    """What must never be, closed set."""

    LOST = "acknowledged, but not stored"
    STORED_TWICE = "stored more than once"
    REJECTED_BUT_STORED = "rejected, but stored"
    REJECTED_THOUGH_VALID = "valid, but rejected"
    ACCEPTED_THOUGH_INVALID = "invalid, but accepted"
    WRONG_RECORD = "stored, but not as what was sent"
    WRONG_FIGURE = "report differs from the truth"
    FALSE_ALARM = "an alert, but nobody has attacked"
    NOT_COMPLETE = "could not be checked"


class Offender(msgspec.Struct, frozen=True):
    """One case of an offence; `subject` is an event id, or which figure of which report."""

    offence: Offence
    subject: str
    detail: str = ""


class Stored:
    """The ids found in the database, by source, 16 bytes each. Rows that are not of this run are counted as
    `foreign`: at once where no publisher makes such an id, else when the ledger does not know it.
    """

    def __init__(self) -> None:
        self.keys = {source: bytearray() for source in SOURCES}
        self.foreign = 0
        self.rows = 0

    def add(self, source: str, ids: str, rows: int) -> None:
        """`rows` stored rows of a source, whose ids are in `ids`, separated by spaces, as far as they may be ours.

        Only the one canonical spelling of an id counts as ours.
        """
        found = _OWN_ID[source].findall(ids)
        self.keys[source] += bytes.fromhex("".join(found).replace("-", ""))
        self.rows += rows
        self.foreign += rows - len(found)


class Ledger:
    """What was answered about every event. An event in several bodies keeps the verdict that binds most."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._sources = bytearray()
        self._verdicts = bytearray()

    def record(self, ids: bytes, codes: bytes, verdicts: bytes) -> None:
        """Events of one body: 16 bytes of id, one type code and one verdict each."""
        if not len(ids) == _KEY_BYTES * len(codes) == _KEY_BYTES * len(verdicts):
            raise ValueError(
                f"{len(ids)} bytes of ids, {len(codes)} codes, {len(verdicts)} verdicts do not fit"
            )
        self._ids += ids
        self._sources += codes.translate(_SOURCE_OF_CODE)
        self._verdicts += verdicts

    def __len__(self) -> int:
        return len(self._verdicts)

    @property
    def unknown(self) -> int:
        """Entries without a binding answer."""
        return self._verdicts.count(UNKNOWN)

    def compare(self, stored: Stored) -> Iterator[Offender]:
        """All offenders. Rows that another publisher's run stored are added to `stored.foreign`."""
        total = len(self) + sum(len(keys) for keys in stored.keys.values()) // _KEY_BYTES
        partitions = min(256, 1 + total // PARTITION_KEYS)
        bytes_of_ids = bytes(self._ids)
        for number, source in enumerate(SOURCES):
            own = bytes(self._sources).translate(_IS_SOURCE[number])
            ids = b"".join(_key(bytes_of_ids, index) for index in compress(range(len(own)), own))
            verdicts = bytes(compress(self._verdicts, own))
            for partition in range(partitions):
                yield from self._compare(source, ids, verdicts, stored, partition, partitions)

    def _compare(
        self, source: str, ids: bytes, verdicts: bytes, stored: Stored, partition: int, partitions: int
    ) -> Iterator[Offender]:
        sent: dict[bytes, int] = {}
        for index in _chosen(ids, partition, partitions):
            key, verdict = _key(ids, index), verdicts[index]
            if verdict > sent.get(key, -1):
                sent[key] = verdict
        rows = bytes(stored.keys[source])
        found = Counter(_key(rows, index) for index in _chosen(rows, partition, partitions))
        for key, verdict in sent.items():
            offence = _offence(verdict, times := found.pop(key, 0))
            if offence is not None:
                yield Offender(offence, ID_PREFIX[source] + str(UUID(bytes=key)), f"stored {times} times")
        stored.foreign += found.total()


def _offence(verdict: int, times: int) -> Offence | None:
    if verdict == REJECTED:
        return Offence.REJECTED_BUT_STORED if times else None
    if times > 1:
        return Offence.STORED_TWICE
    return Offence.LOST if verdict == ACCEPTED and times == 0 else None


def _key(ids: bytes, index: int) -> bytes:
    return ids[_KEY_BYTES * index : _KEY_BYTES * index + _KEY_BYTES]


def _chosen(ids: bytes, partition: int, partitions: int) -> Iterator[int]:
    """The indices of the ids that belong to a partition. The first byte of a UUID4 is random."""
    table = bytes(byte % partitions == partition for byte in range(256))
    return compress(range(len(ids) // _KEY_BYTES), ids[0::_KEY_BYTES].translate(table))
