"""What transactions newly stored, as the live counters are told of it.

The facts, not the counters: which counters there are, and under which names, is decided where they are kept. So a
build from the totals and a change by a single batch are the same computation, and cannot disagree.
"""

import msgspec


class Changes(msgspec.Struct, frozen=True):
    """Facts to add to what was known before. `events` are (event type, day as yyyymmdd of UTC, how many more).

    The number is negative where retention removed events.
    """

    events: list[tuple[str, str, int]] = []


class LiveUpdate(msgspec.Struct, frozen=True):
    """The changes of one transaction, and the id by which they are told apart."""

    id: int
    changes: Changes


class Pending(msgspec.Struct, frozen=True):
    """Updates of a source that wait, oldest first. `epoch` is None when the counters must be built first."""

    epoch: str | None
    updates: list[LiveUpdate]


class Snapshot(msgspec.Struct, frozen=True):
    """A source at one instant: all that is stored, and the updates that are part of it but still wait."""

    epoch: str | None
    totals: Changes
    updates: list[LiveUpdate]
