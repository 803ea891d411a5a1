"""What a fault is, what it acts on, and what is written down about it."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.load import Load
from tests.faults.system import System


@dataclass
class Scene:
    """What a fault has to work with. It says what it saw by `note`, and when its cause is gone by `over`.

    `scale` stretches how long things are away: 1 in the short form.
    """

    system: System
    load: Load
    rng: random.Random
    scale: float = 1.0
    notes: list[str] = field(default_factory=list[str])
    over_at: float = 0.0
    afterwards: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    """Called when the system has recovered, or has not in time: what the fault itself has to clear away."""

    def __post_init__(self) -> None:
        self._answers_before = self.load.statuses.copy()

    @property
    def answers(self) -> Counter[str]:
        """Answers since this scene began, by status or kind of failure."""
        return self.load.statuses - self._answers_before

    def note(self, text: str) -> None:
        """Something seen, for the table."""
        self.notes.append(text)

    def over(self) -> None:
        """The cause is gone, or is all there is to it, as with a killed process: from now on recovery is timed."""
        self.over_at = time.monotonic()

    def last(self, seconds: float) -> None:
        """Lets a state last: so many seconds, times the scale."""
        time.sleep(seconds * self.scale)  # nothing could be awaited: the point is that nothing happens


@dataclass(frozen=True)
class Fault:
    """`inject` does it and raises AssertionError where an invariant of its own breaks. Afterwards the system must
    recover by itself within `limit_seconds`, and the ledger must balance."""

    name: str
    what: str
    invariant: str
    inject: Callable[[Scene], None]
    limit_seconds: float = 15.0


@dataclass
class Observation:
    """One fault as it went. Figures are events unless said otherwise."""

    fault: str
    began_after: float
    """Seconds since the run began."""
    lasted: float
    """Seconds from its begin until the system had recovered."""
    recovered_after: float | None
    """Seconds from when its cause was gone; None when it did not recover in time."""
    sent: int
    answers: Counter[str]
    slowest_refusal: float
    """Seconds to the slowest 503; 0 without one."""
    notes: list[str]
    problems: list[str]
    lost: int = 0
    doubled: int = 0

    @property
    def observed(self) -> str:
        """In a line: what clients saw, and what the fault itself noted."""
        seen = [
            f"{count} x {kind}" for kind, count in sorted(self.answers.items()) if kind not in ("202", "400")
        ]
        if self.slowest_refusal:
            seen.append(f"slowest 503 after {self.slowest_refusal:.1f} s")
        return "; ".join([*self.notes, ", ".join(seen) or "every answer 202 or 400"])
