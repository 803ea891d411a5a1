"""Which counters there are: from facts to operations on Redis keys. Pure.

| key | type | field | what it counts |
|---|---|---|---|
| `events:<source>` | hash | event type | events that are stored and retained |
| `events:<source>:<yyyymmdd>` | hash | event type | those of one day (UTC, by the event's own time) |

The keys of a day expire KEPT_DAYS after it is over, so events of any year may come and leave nothing behind. A field
that would be 0 is not there.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from pipeline.events.changes import Changes

KEPT_DAYS = 35
"""A month, and what it is compared with. Longer ranges are the reports' business."""

_SECONDS_PER_DAY = 86400
_EPOCH = date(1970, 1, 1).toordinal()


class HashChange(msgspec.Struct, frozen=True, array_like=True, tag="hash"):
    """Add to fields of a hash; `expires_at` in seconds since 1970, None for never."""

    key: str
    expires_at: int | None
    fields: dict[str, int]


Operation = HashChange
"""What the scripts know how to do. The tag is the name by which they know it."""

Values = dict[str, dict[str, int]]
"""Fields and numbers by key."""


def key_patterns(source: str) -> list[str]:
    """Which keys of Redis are counters of this source."""
    return [f"events:{source}", f"events:{source}:*"]


def operations_of(source: str, changes: Changes) -> list[Operation]:
    """What the facts change, one operation for each key."""
    totals = HashChange(f"events:{source}", None, {})
    by_day: dict[str, Operation] = {}
    for event_type, day, events in changes.events:
        if day not in by_day:
            by_day[day] = HashChange(f"events:{source}:{day}", _expiry(day), {})
        for operation in (totals, by_day[day]):
            operation.fields[event_type] = operation.fields.get(event_type, 0) + events
    return [totals, *by_day.values()] if by_day else []


def values_of(operations: Iterable[Operation], now: float, before: Mapping[str, Mapping[str, int]]) -> Values:
    """What the counters hold after the operations, at a time in seconds since 1970."""
    values = {key: dict(fields) for key, fields in before.items()}
    for operation in operations:
        if operation.expires_at is not None and operation.expires_at <= now:
            continue
        fields = values.setdefault(operation.key, {})
        for field, number in operation.fields.items():
            fields[field] = fields.get(field, 0) + number
    present = {key: {f: n for f, n in fields.items() if n} for key, fields in values.items()}
    return {key: fields for key, fields in present.items() if fields}


def _expiry(day: str) -> int:
    ordinal = date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal()
    return (ordinal - _EPOCH + 1 + KEPT_DAYS) * _SECONDS_PER_DAY
