"""W3C Trace Context: what a request and a message say of the trace that they belong to.

Whatever a stranger puts there, reading it costs no more than a few hundred bytes do, and what is not exactly right is
no trace (https://www.w3.org/TR/trace-context-1/).
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

PARENT_HEADER = "traceparent"
STATE_HEADER = "tracestate"

_STATE_MAX_CHARACTERS = 512
_STATE_MAX_MEMBERS = 32
_PARENT_MAX_CHARACTERS = 256
_SAMPLED = 0x01

# A later version may say more behind a further dash; what version 00 says stays where it is.
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x21-\x7e]*)?", re.ASCII)
_MEMBER = re.compile(
    r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]",
    re.ASCII,
)


class TraceContext(NamedTuple):
    """One span as others name it. `state` is what tracing systems pass on for themselves, or empty."""

    trace_id: int
    span_id: int
    sampled: bool
    state: str = ""

    def headers(self) -> dict[str, str]:
        """The headers that carry it."""
        parent = f"00-{self.trace_id:032x}-{self.span_id:016x}-{int(self.sampled):02x}"
        return {PARENT_HEADER: parent, STATE_HEADER: self.state} if self.state else {PARENT_HEADER: parent}


def read_context(parent: str, state: str = "") -> TraceContext | None:
    """The context in the two headers' text, or None. A state that is malformed or too long is left out alone."""
    if len(parent) > _PARENT_MAX_CHARACTERS:
        return None
    found = _PARENT.fullmatch(parent.strip(" \t"))
    if found is None or found[1] == "ff" or (found[1] == "00" and found[5]):
        return None
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    if not trace_id or not span_id:
        return None
    return TraceContext(trace_id, span_id, bool(int(found[4], 16) & _SAMPLED), _checked_state(state))


def request_context(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """The context of an HTTP request. Two parents are none; several states are one, as for any list in HTTP."""
    parent: bytes | None = None
    states: list[bytes] = []
    for name, value in headers:
        if name == b"traceparent":
            if parent is not None:
                return None
            parent = value
        elif name == b"tracestate":
            states.append(value)
    if parent is None:
        return None
    return read_context(parent.decode("latin-1"), b",".join(states).decode("latin-1"))


def message_context(headers: Mapping[str, str]) -> TraceContext | None:
    """The context of a message."""
    parent = headers.get(PARENT_HEADER)
    return read_context(parent, headers.get(STATE_HEADER, "")) if parent else None


def _checked_state(text: str) -> str:
    if not text or len(text) > _STATE_MAX_CHARACTERS:
        return ""
    members = [member for part in text.split(",") if (member := part.strip(" \t"))]
    keys = {member.partition("=")[0] for member in members}
    if len(members) > _STATE_MAX_MEMBERS or len(keys) < len(members):
        return ""
    return ",".join(members) if all(map(_MEMBER.fullmatch, members)) else ""
