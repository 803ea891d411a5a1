"""Why an event was refused: a closed set, so that it can be a metric label, a filter and a column."""

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """The reasons of a dead letter (EVENTS §4)."""

    MALFORMED_JSON = "malformed_json"
    SCHEMA_VIOLATION = "schema_violation"
    UNSTORABLE_TEXT = "unstorable_text"
    TIMESTAMP_OUT_OF_RANGE = "timestamp_out_of_range"
    TOO_LARGE = "too_large"
    UNSUPPORTED_FORMAT = "unsupported_format"
    STORAGE_REJECTED = "storage_rejected"


_MAX_DETAIL_LENGTH = 300
"""msgspec quotes the value that it refuses, and that may be as long as the whole event."""


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with one event. `path` is a JSON path such as `$.data.user.name`, `$` for the whole."""

    reason: Reason
    path: str
    detail: str


class Rejected(Exception):
    """Raised by a format for an event that breaks its rules."""

    def __init__(self, reason: Reason, path: str, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(reason, path, detail)


def rejection_of(error: Exception) -> Rejection:
    """The rejection that an exception of decoding means.

    msgspec says where a value broke the schema at the end of its message: `… - at `$.data.user.age``. That it
    meets text which is no JSON at all is its own kind of error.
    """
    if isinstance(error, Rejected):
        return error.rejection
    if isinstance(error, msgspec.ValidationError):
        detail, _, path = str(error).rpartition(" - at ")
        detail, path = (detail, path.strip("`")) if detail else (path, "$")
        return Rejection(Reason.SCHEMA_VIOLATION, path, _shortened(detail))
    if isinstance(error, RecursionError):
        return Rejection(Reason.MALFORMED_JSON, "$", "nested too deeply")
    return Rejection(Reason.MALFORMED_JSON, "$", str(error))


def _shortened(detail: str) -> str:
    return detail if len(detail) <= _MAX_DETAIL_LENGTH else f"{detail[:_MAX_DETAIL_LENGTH]}…"
