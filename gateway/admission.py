"""Bounded bytes in flight: memory stays bounded by configuration, whatever is sent at once."""

from collections.abc import Generator
from contextlib import contextmanager

from pipeline.chassis.problems import unavailable


class Admission:
    """A budget of bytes. What does not fit is refused at once, which costs nothing, rather than queued."""

    def __init__(self, bytes_in_flight: int, retry_after_seconds: int) -> None:
        self._budget = bytes_in_flight
        self._used = 0
        self._retry_after_seconds = retry_after_seconds

    @contextmanager
    def admit(self) -> "Generator[Reservation]":
        """A reservation that is given back at the end."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            self._used -= reservation.size

    def take(self, size: int) -> None:
        """Raises a 503 Problem when there is no room."""
        if self._used + size > self._budget:
            raise unavailable("too many bytes in flight", self._retry_after_seconds)
        self._used += size


class Reservation:
    """The bytes that one request holds."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.size = 0

    def grow_to(self, size: int) -> None:
        """Reserves up to `size` bytes in all. Raises a 503 Problem when there is no room."""
        if size > self.size:
            self._admission.take(size - self.size)
            self.size = size
