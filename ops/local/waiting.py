"""Waiting for a condition, with a limit and a reason. The only place in local operation that looks at a
clock."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05
"""How often a condition is looked at. Servers that become ready cannot call back, so they are asked."""


class NotReadyError(RuntimeError):
    """A condition did not come true within its limit. The text says which, and what was seen last."""


def wait_until(what: str, problem: Callable[[], str | None], timeout_seconds: float) -> None:
    """Return as soon as `problem()` is None; raise NotReadyError naming `what` and the last problem after
    the limit."""
    deadline = time.monotonic() + timeout_seconds
    while (seen := problem()) is not None:
        if time.monotonic() >= deadline:
            raise NotReadyError(f"{what} not ready after {timeout_seconds:.0f} s: {seen}")
        time.sleep(POLL_SECONDS)
