"""What transactions newly stored, as the live counters are told of it.

The facts, not the counters: which counters there are, and under which names, is decided where they are kept. So a
build from the totals and a change by a single batch are the same computation, and cannot disagree.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec


class Changes(msgspec.Struct, frozen=True):
    """Facts to add to what was known before. `events` are (event type, day as yyyymmdd of UTC, how many more).

    The number is negative where retention removed events. `posts` are (post, day as yyyymmdd of UTC, likes, comments,
    shares): how many more of each. Likes are negative where a mind was changed; a like counts on the day on which it
    was said last.
    """

    events: list[tuple[str, str, int]] = []
    posts: list[tuple[str, str, int, int, int]] = []


class LiveUpdate(msgspec.Struct, frozen=True):
    """The changes of one transaction, and the id by which they are told apart."""

    id: int
    changes: Changes


class Pending(msgspec.Struct, frozen=True):
    """Updates of a source that wait, oldest first. `epoch` is None when the counters must be built first.

    `more` says that there were others, which are left for the next time.
    """

    epoch: str | None
    updates: list[LiveUpdate]
    more: bool


class Snapshot(Protocol):
    """A source at one instant, which may be too large to be held in memory at once."""

    @property
    def epoch(self) -> str | None:
        """None when there is none: then nothing may be built from this."""
        ...

    @property
    def waiting(self) -> Sequence[int]:
        """The updates that are part of the totals and still wait."""
        ...

    def totals(self) -> AsyncIterator[Changes]:
        """All that is stored, in pieces: what there is of one event type, or of one post, is in one of them."""
        ...

    def updates(self) -> AsyncIterator[LiveUpdate]:
        """The updates that wait, with what they change."""
        ...
