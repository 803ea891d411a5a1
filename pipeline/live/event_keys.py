"""The counters of events, which every source has. Pure.

| key | type | field | what it counts |
|---|---|---|---|
| `events:<source>` | hash | event type | events that are stored and retained |
| `events:<source>:<yyyymmdd>` | hash | event type | those of one day (UTC, by the event's own time) |

The keys of a day expire KEPT_DAYS after it is over, so events of any year may come and leave nothing behind. A field
that would be 0 is not there.
"""

from collections.abc import Sequence

from pipeline.live.operations import HashChange, Operation, days_since_1970, end_of

KEPT_DAYS = 35
"""A month, and what it is compared with. Longer ranges are the reports' business."""


def patterns(source: str) -> list[str]:
    """Which keys of Redis are counters of this source's events."""
    return [f"events:{source}", f"events:{source}:*"]


def operations_of(source: str, events: Sequence[tuple[str, str, int]]) -> list[Operation]:
    """What the facts change, one operation for each key."""
    totals = HashChange(f"events:{source}", None, {})
    by_day: dict[str, HashChange] = {}
    for event_type, day, number in events:
        if day not in by_day:
            expires_at = end_of(days_since_1970(day), KEPT_DAYS)
            by_day[day] = HashChange(f"events:{source}:{day}", expires_at, {})
        for operation in (totals, by_day[day]):
            operation.fields[event_type] = operation.fields.get(event_type, 0) + number
    return [totals, *by_day.values()] if by_day else []
