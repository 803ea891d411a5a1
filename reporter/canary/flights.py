"""The canaries of one source: when the next one is due, which are under way, how old the youngest found one is. Pure.

All times are seconds on one monotonic clock.
"""

from itertools import islice

_PATIENCE = 4.0
"""While none comes back, the pause grows with the time that the oldest one has been waited for: to a fourth of it, so
that an outage of hours leaves dozens of canaries in the stream, and not thousands."""
_LONGEST_PAUSE_SECONDS = 600.0
_REMEMBERED = 500
"""Of those that were not acknowledged: each of them may have got through all the same."""


class Flights:
    """What is known of the canaries to one source, since this process began."""

    def __init__(self, now: float) -> None:
        self._number = 0
        self._sent: dict[int, float] = {}
        self._waited_for: dict[int, float] = {}
        self._last_sent: float | None = None
        # Nothing is known of the time before: until one has come through, the age is that of this process.
        self._youngest = now
        self.problem = "none has come through yet"

    def age(self, now: float) -> float:
        """Seconds since the youngest canary that was found was sent, or since the start."""
        return now - self._youngest

    def due(self, now: float, interval_seconds: float) -> float:
        """Seconds until the next one is due, 0 when it is."""
        if self._last_sent is None:
            return 0.0
        waited = now - next(iter(self._waited_for.values()), now)
        pause = max(interval_seconds, min(waited / _PATIENCE, _LONGEST_PAUSE_SECONDS))
        return max(0.0, self._last_sent + pause - now)

    def send(self, now: float) -> int:
        """The number of the next one, which is sent now."""
        self._number += 1
        self._last_sent = self._sent[self._number] = now
        for forgotten in list(islice(self._sent, max(0, len(self._sent) - _REMEMBERED))):
            del self._sent[forgotten]
        return self._number

    def accepted(self, number: int) -> None:
        """The gateway has it on disk. One that was found in the meantime is waited for no more."""
        if number in self._sent:
            self._waited_for[number] = self._sent[number]
            self.problem = "accepted by the gateway, and not stored yet"

    def failed(self, problem: str) -> None:
        """The gateway did not take it. It may have got through all the same."""
        self.problem = problem

    @property
    def are_waited_for(self) -> bool:
        """Whether one is on disk and was not found."""
        return bool(self._waited_for)

    def found(self, number: int, now: float) -> float | None:
        """How long the youngest took that is stored; None when that is no news."""
        sent_at = self._sent.get(number)
        if sent_at is None:
            return None
        self._youngest = sent_at
        for known in (self._sent, self._waited_for):
            for earlier in [each for each in known if each <= number]:
                del known[earlier]
        if not self._waited_for:
            self.problem = ""
        return now - sent_at
