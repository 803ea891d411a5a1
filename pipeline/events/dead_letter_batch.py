"""A message of dead letters: those of one source and one reason, and in its headers what counting them needs.

A flood of bad events would cost a message and an fsync each if every letter had a message of its own. The headers say
how many letters there are, so that counting does not have to read them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import msgspec

from pipeline.events.batch import MESSAGE_ID_HEADER
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.reasons import Reason

MAX_BATCH_LETTERS = 500
MAX_BATCH_BYTES = 256 * 1024
"""A letter that is larger has a message of its own: some 350 KiB, of the 1 MB that any NATS server takes."""

REASON_HEADER = "Sluice-Reason"
COUNT_HEADER = "Sluice-Letters"
TRUNCATED_HEADER = "Sluice-Truncated"
FAILED_FROM_HEADER = "Sluice-Failed-From"
FAILED_TO_HEADER = "Sluice-Failed-To"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[DeadLetter]).decode


class DeadLetterBatch(msgspec.Struct, frozen=True):
    """Letters of one source and one reason, ready to be published. The times are those of the first and the last
    failure among them."""

    source: str
    reason: Reason
    payload: bytes
    letters: int
    truncated: int
    failed_from: datetime
    failed_to: datetime

    @property
    def message_id(self) -> str:
        """The same for the same letters: publishing them twice keeps them once."""
        return sha256(self.payload).hexdigest()[:32]

    def headers(self) -> dict[str, str]:
        """The message's headers."""
        return {
            MESSAGE_ID_HEADER: self.message_id,
            REASON_HEADER: self.reason.value,
            COUNT_HEADER: str(self.letters),
            TRUNCATED_HEADER: str(self.truncated),
            FAILED_FROM_HEADER: self.failed_from.isoformat(),
            FAILED_TO_HEADER: self.failed_to.isoformat(),
        }


class LetterHeaders(msgspec.Struct, frozen=True):
    """What the headers of a message of dead letters tell."""

    letters: int
    truncated: int
    failed_from: datetime
    failed_to: datetime


def read_headers(headers: Mapping[str, str]) -> LetterHeaders | None:
    """None when they are not those of a message of ours: another program may publish anything."""
    try:
        return LetterHeaders(
            letters=int(headers[COUNT_HEADER]),
            truncated=int(headers[TRUNCATED_HEADER]),
            failed_from=datetime.fromisoformat(headers[FAILED_FROM_HEADER]),
            failed_to=datetime.fromisoformat(headers[FAILED_TO_HEADER]),
        )
    except (KeyError, ValueError):
        return None


def read_letters(payload: bytes) -> list[DeadLetter] | None:
    """The letters of a message; None when it is not one of ours."""
    try:
        return _decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


@dataclass(slots=True)
class _Group:
    encoded: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    truncated: int = 0
    failed_at: list[datetime] = field(default_factory=list[datetime])

    def has_room(self, length: int) -> bool:
        return len(self.encoded) < MAX_BATCH_LETTERS and self.size + length <= MAX_BATCH_BYTES

    def add(self, letter: DeadLetter, encoded: bytes) -> None:
        self.encoded.append(encoded)
        self.size += len(encoded) + 1
        self.truncated += letter.truncated
        self.failed_at.append(letter.failed_at)


class LetterPacker:
    """Sorts letters into batches. It holds at most one unfinished batch of each (source, reason)."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Reason], _Group] = {}

    def add(self, letter: DeadLetter) -> DeadLetterBatch | None:
        """The batch that is complete because this letter does not fit into it any more, if there is one."""
        key = (letter.source, letter.rejection.reason)
        encoded = _encode(letter)
        group = self._groups.get(key)
        complete = None
        if group is None or not group.has_room(len(encoded)):
            complete = _batch(key, group) if group else None
            group = self._groups[key] = _Group()
        group.add(letter, encoded)
        return complete

    def rest(self) -> Iterator[DeadLetterBatch]:
        """The unfinished batches, after the last letter."""
        for key, group in self._groups.items():
            yield _batch(key, group)
        self._groups = {}


def _batch(key: tuple[str, Reason], group: _Group) -> DeadLetterBatch:
    return DeadLetterBatch(
        source=key[0],
        reason=key[1],
        payload=b"[%b]" % b",".join(group.encoded),
        letters=len(group.encoded),
        truncated=group.truncated,
        failed_from=min(group.failed_at),
        failed_to=max(group.failed_at),
    )
