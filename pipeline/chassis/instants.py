"""Points in time as people write them in filters."""

import re
from datetime import UTC, date, datetime, time, timedelta

INSTANT_HELP = (
    "an ISO 8601 date or time such as 2026-05-14, 2026-05-14T10:46:28Z or 2026-05-14T12:46:28+02:00"
)

_SPACE_OFFSET = re.compile(r" (?=\d{2}:?\d{2}$)")
_LAST_YEAR = 9998  # a range must be able to end after it: Python's datetime knows no year 10000


def parse_instant(text: str, *, whole_day: bool) -> datetime:
    """An instant in UTC, which is also meant where no offset is given; `whole_day` takes a bare date to its end.

    Raises ValueError saying what is expected.
    """
    try:
        return _parse(text, whole_day)
    except (ValueError, OverflowError):
        raise ValueError(f"expected {INSTANT_HELP}, got {text[:80]!r}") from None


def _parse(text: str, whole_day: bool) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        # An offset's `+` that was not percent-encoded arrives as a space: it is taken for what was meant.
        instant = datetime.fromisoformat(_SPACE_OFFSET.sub("+", text) if "T" in text else text)
    else:
        instant = datetime.combine(day, time.min, UTC) + timedelta(days=whole_day)
    if instant.year > _LAST_YEAR:
        raise ValueError("too far in the future")
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
