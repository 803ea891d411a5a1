"""Which dead letters somebody means."""

import re
from datetime import datetime

import msgspec

from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_batch import LetterHeaders
from pipeline.events.reasons import Reason
from pipeline.stream.topology import dead_subjects

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_encode = msgspec.json.Encoder().encode


class DeadLetterFilter(msgspec.Struct, frozen=True):
    """What a letter must be; None, or no id at all, restricts nothing.

    The times are those of the failure: `failed_from` inclusive, `failed_before` exclusive. A letter has one of the
    `ids`, or its id begins with it. `replayable` leaves out what is truncated.
    """

    source: str | None = None
    reason: Reason | None = None
    failed_from: datetime | None = None
    failed_before: datetime | None = None
    correlation_id: str | None = None
    ids: tuple[str, ...] = ()
    replayable: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a source that could be none: it becomes part of a subject."""
        if self.source is not None and not _TOKEN.fullmatch(self.source):
            raise ValueError(f"no source has such a name: {self.source[:80]!r}")

    @property
    def subject(self) -> str:
        """What the stream itself can select by."""
        return dead_subjects(self.source, self.reason.value if self.reason else None)

    @property
    def needs_letters(self) -> bool:
        """The headers of a message cannot decide, whatever they are."""
        return self.correlation_id is not None or bool(self.ids)

    @property
    def subject_decides(self) -> bool:
        """The stream itself selects all that is to be selected: no letter has to be read to count them."""
        return self == DeadLetterFilter(source=self.source, reason=self.reason)

    @property
    def restricts(self) -> bool:
        """Somebody has said what they mean."""
        return self != DeadLetterFilter(replayable=self.replayable)

    def matches(self, letter: DeadLetter) -> bool:
        """Whether the letter is meant."""
        return (
            (self.source is None or letter.source == self.source)
            and (self.reason is None or letter.rejection.reason == self.reason)
            and (self.failed_from is None or letter.failed_at >= self.failed_from)
            and (self.failed_before is None or letter.failed_at < self.failed_before)
            and (self.correlation_id is None or letter.correlation_id == self.correlation_id)
            and (not self.ids or letter.id.startswith(self.ids))
            and not (self.replayable and letter.truncated)
        )

    def decide(self, headers: LetterHeaders) -> bool | None:
        """Whether all letters of a message are meant (True) or none (False), as far as its headers tell (else None)."""
        if self.failed_from is not None and headers.failed_to < self.failed_from:
            return False
        if self.failed_before is not None and headers.failed_from >= self.failed_before:
            return False
        if self.replayable and headers.truncated == headers.letters:
            return False
        all_meant = (
            not self.needs_letters
            and (self.failed_from is None or headers.failed_from >= self.failed_from)
            and (self.failed_before is None or headers.failed_to < self.failed_before)
            and not (self.replayable and headers.truncated)
        )
        return True if all_meant else None

    def may_be_in(self, payload: bytes) -> bool:
        """A quick look at the bytes of a message. Has false alarms, misses nothing."""
        if self.correlation_id is not None and _value(self.correlation_id) not in payload:
            return False
        return not self.ids or any(_value(prefix)[:-1] in payload for prefix in self.ids)


def _value(text: str) -> bytes:
    """The text as it stands in a message, in its quotes."""
    return _encode(text)
