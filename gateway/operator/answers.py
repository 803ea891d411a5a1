"""What the operator API answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from pipeline.events.dead_letter_view import LetterSummary
from pipeline.stream import LetterCount


class DeadLetterCounts(msgspec.Struct, frozen=True):
    """All of them, and by source and reason, most first. `truncated` ones cannot be replayed."""

    total: int
    counts: Sequence[LetterCount]


class DeadLetterList(msgspec.Struct, frozen=True):
    """The letters that failed last, newest first."""

    letters: Sequence[LetterSummary]


class ReplayAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What became of the letters that this request has tried, and how many are `left` to be tried.

    While some are left, send the same request again with this `to`: letters that were refused again have failed after
    it, so each is tried once. `rejected` counts those by reason. The `not_replayable` are truncated and are not tried.
    """

    selected: int
    replayed: int
    rejected: Mapping[str, int]
    not_replayable: int
    left: int
    to: datetime
    dry_run: bool


class DiscardAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """How many letters are gone for good, and how many are `left` of those that are meant."""

    discarded: int
    left: int
    dry_run: bool
