"""Every id that was sent and the verdict it got, against what is stored: 18 bytes an event, exact."""

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
_IS_SOURCE = tuple(bytes(byte == source for byte in range(256)) for source in range(len(SOURCES)))


class Offence(StrEnum):
    """What must never be, closed set."""

    LOST = "acknowledged, but not stored"
    STORED_TWICE = "stored more than once"
    REJECTED_BUT_STORED = "rejected, but stored"
    REJECTED_THOUGH_VALID = "valid, but rejected"
    ACCEPTED_THOUGH_INVALID = "invalid, but accepted"
    WRONG_FIGURE = "report differs from the truth"
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

    def add(self, source: str, event_id: str) -> None:
        """One stored row. Only the id's one canonical spelling counts as ours."""
        self.rows += 1
        prefix = ID_PREFIX.get(source)
        text = event_id.removeprefix(prefix) if prefix is not None and event_id.startswith(prefix) else ""
        try:
            key = UUID(text)
        except ValueError:
            self.foreign += 1
            return
        if str(key) == text:
            self.keys[source] += key.bytes
        else:
            self.foreign += 1


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
        for number, source in enumerate(SOURCES):
            own = bytes(self._sources).translate(_IS_SOURCE[number])
            ids = b"".join(compress(_keys(self._ids), own)) if not all(own) else bytes(self._ids)
            verdicts = bytes(compress(self._verdicts, own))
            for partition in range(partitions):
                yield from self._compare(source, ids, verdicts, stored, partition, partitions)

    def _compare(
        self, source: str, ids: bytes, verdicts: bytes, stored: Stored, partition: int, partitions: int
    ) -> Iterator[Offender]:
        sent: dict[bytes, int] = {}
        chosen = _chosen(ids, partition, partitions)
        for key, verdict in zip(compress(_keys(ids), chosen), compress(verdicts, chosen), strict=True):
            if verdict > sent.get(key, -1):
                sent[key] = verdict
        rows = stored.keys[source]
        found = Counter(compress(_keys(rows), _chosen(rows, partition, partitions)))
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


def _keys(ids: bytes | bytearray) -> Iterator[bytes]:
    return (bytes(ids[at : at + _KEY_BYTES]) for at in range(0, len(ids), _KEY_BYTES))


def _chosen(ids: bytes | bytearray, partition: int, partitions: int) -> bytes:
    """For every id, whether it belongs to a partition. The first byte of a UUID4 is random."""
    table = bytes(byte % partitions == partition for byte in range(256))
    return bytes(ids[0::_KEY_BYTES]).translate(table)
