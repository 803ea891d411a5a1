"""One id that follows a request through every process: HTTP header, NATS header, log line, dead letter."""

import re
import uuid
from contextvars import ContextVar

HEADER = "X-Correlation-ID"

_VALID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current_correlation_id() -> str:
    """The id of the request or batch at work, or the empty string outside of one."""
    return _current.get()


def begin_correlation(candidate: str | None) -> str:
    """Takes the caller's id when it is 1 to 64 characters of `A-Z a-z 0-9 . _ -`, else makes a new one.

    Anything else is refused because the id is written into headers and logs of other systems.
    """
    correlation_id = candidate if candidate and _VALID.fullmatch(candidate) else uuid.uuid4().hex
    _current.set(correlation_id)
    return correlation_id
