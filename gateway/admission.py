"""Bounded bytes and requests in flight: memory and waiting stay bounded by configuration, whatever is sent at once.

What does not fit is refused at once, which costs next to nothing, rather than queued. Three rules keep it fair:
large bodies leave a part of the budget to small ones; a large body is counted as a whole once it really comes, so a
sender that only announces megabytes holds nothing; and a request counts as one in flight when its body is here, so
slow senders keep nobody out.
"""

from types import TracebackType
from typing import Self

from gateway.settings import GatewaySettings
from pipeline.chassis.problems import unavailable

_LARGEST_SHARE_OF_SMALL = 4


class Admission:
    """The budget of one process."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.small = settings.small_body_bytes
        self._bytes = settings.body_bytes_in_flight
        reserve = min(settings.body_bytes_for_small, self._bytes // _LARGEST_SHARE_OF_SMALL)
        self._bytes_for_large = self._bytes - reserve
        self._requests = settings.requests_in_flight
        self._retry_after_seconds = settings.retry_after_seconds
        self._used_bytes = 0
        self._used_requests = 0

    def admit(self) -> "Reservation":
        """What one request holds, given back at the end of its `with`. Raises a 503 Problem when too many are at
        work."""
        self._check_requests()
        return Reservation(self)

    def check_bytes(self, more: int, in_all: int) -> None:
        """Raises a 503 Problem when there is no room for `more` bytes of a body of `in_all`."""
        budget = self._bytes if in_all <= self.small else self._bytes_for_large
        if self._used_bytes + more > budget:
            raise unavailable("too many bytes in flight", self._retry_after_seconds)

    def take_bytes(self, more: int, in_all: int) -> None:
        """Raises as `check_bytes`."""
        self.check_bytes(more, in_all)
        self._used_bytes += more

    def take_request(self) -> None:
        """Raises as `admit`."""
        self._check_requests()
        self._used_requests += 1

    def give_back(self, size: int, requests: int) -> None:
        """At the end of a request."""
        self._used_bytes -= size
        self._used_requests -= requests

    def _check_requests(self) -> None:
        if self._used_requests >= self._requests:
            raise unavailable("too many requests in flight", self._retry_after_seconds)


class Reservation:
    """What one request holds. Use it in a `with`."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._at_work = 0
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._admission.give_back(self.size, self._at_work)

    def check(self, announced: int) -> None:
        """Raises a 503 Problem when a body of this size has no room at the moment."""
        self._admission.check_bytes(announced - self.size, announced)

    def came(self, size: int, announced: int = 0) -> None:
        """So many bytes of it are here: a large body that announced itself holds all it needs from then on.

        Raises a 503 Problem when there is no room.
        """
        self.grow_to(max(size, announced) if size > self._admission.small else size)

    def grow_to(self, size: int) -> None:
        """Reserves up to `size` bytes in all. Raises a 503 Problem when there is no room."""
        if size > self.size:
            self._admission.take_bytes(size - self.size, size)
            self.size = size

    def begin_work(self) -> None:
        """The body is here. Raises a 503 Problem when too many are at work."""
        if not self._at_work:
            self._admission.take_request()
            self._at_work = 1
