"""What can be done to Redis keys, and what they hold afterwards. Pure.

`event_keys.py` and `post_keys.py` say which counters there are, and turn facts into these.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

_SECONDS_PER_DAY = 86400
_EPOCH = date(1970, 1, 1).toordinal()


class HashChange(msgspec.Struct, frozen=True, array_like=True, tag="hash"):
    """Add to fields of a hash; `expires_at` in seconds since 1970, None for never."""

    key: str
    expires_at: int | None
    fields: dict[str, int]


class NumbersChange(msgspec.Struct, frozen=True, array_like=True, tag="numbers"):
    """Add to strings that hold numbers. `key` is the name of all of them, with a `*` for the field."""

    key: str
    expires_at: None
    fields: dict[str, int]


class ScoresChange(msgspec.Struct, frozen=True, array_like=True, tag="scores"):
    """Add to the scores of members of a sorted set; `expires_at` as of a hash."""

    key: str
    expires_at: int | None
    fields: dict[str, int]


class TrendChange(msgspec.Struct, frozen=True, array_like=True, tag="trend"):
    """Add points of one day to members of a sorted set, so that those of a day later count twice as much.

    `day` in days since 1970. The set's scores are powers of two to the distance from a day that the set begins with.
    """

    key: str
    expires_at: None
    fields: dict[str, int]
    day: int


Operation = HashChange | NumbersChange | ScoresChange | TrendChange
"""What the scripts know how to do. The tag is the name by which they know it."""

Values = dict[str, dict[str, int]]
"""Fields and numbers by key; by the common name of strings."""


def values_of(operations: Iterable[Operation], now: float, before: Mapping[str, Mapping[str, int]]) -> Values:
    """What the counters hold after the operations, at a time in seconds since 1970. Trends are left out.

    Those are cut to their highest members and rounded, so what they hold depends on how they came about.
    """
    values = {key: dict(fields) for key, fields in before.items()}
    add_to(values, operations, now)
    return values


def add_to(values: Values, operations: Iterable[Operation], now: float) -> None:
    """As `values_of`, in place."""
    for operation in operations:
        if isinstance(operation, TrendChange) or has_expired(operation, now):
            continue
        fields = values.setdefault(operation.key, {})
        for field, number in operation.fields.items():
            if after := fields.get(field, 0) + number:
                fields[field] = after
            else:
                fields.pop(field, None)
        if not fields:
            del values[operation.key]


def has_expired(operation: Operation, now: float) -> bool:
    """Whether the key is gone already, whatever is done to it."""
    return operation.expires_at is not None and operation.expires_at <= now


def days_since_1970(day: str) -> int:
    """Of a day as yyyymmdd."""
    return date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal() - _EPOCH


def end_of(day: int, kept_days: int) -> int:
    """When what is kept for so many days after a day, in days since 1970, expires, in seconds since 1970."""
    return (day + 1 + kept_days) * _SECONDS_PER_DAY
