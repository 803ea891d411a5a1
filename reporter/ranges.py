"""Covers a time range with the fewest rollup buckets, and says what they leave over.

A range from 10:17:23.4 to the 3rd at 08:00 is: 10:17:23.4 to :24 (cut, read from the events themselves), seconds
to 10:18, minutes to 11:00, hours to midnight, days to the 3rd, hours to 08:00.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

SIZES = (1, 60, 3_600, 86_400)
"""Bucket sizes of `event_rollups` in seconds. Each divides the next; buckets are aligned to 1970."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class TimeRange(msgspec.Struct, frozen=True):
    """From (inclusive) to (exclusive), in UTC. None leaves an end open."""

    starts: datetime | None = None
    ends: datetime | None = None


class Span(msgspec.Struct, frozen=True):
    """The buckets of one size that start in [starts, ends)."""

    bucket_seconds: int
    starts: datetime | None
    ends: datetime | None


class Cover(msgspec.Struct, frozen=True):
    """Spans and cuts do not overlap and are together the range. There are at most two cuts, each shorter than the
    smallest bucket; where they meet they are one."""

    spans: tuple[Span, ...]
    cuts: tuple[TimeRange, ...]


def cover(time_range: TimeRange, sizes: tuple[int, ...] = SIZES) -> Cover:
    """The cover of a range with the fewest buckets. `sizes` ascend and each divides the next."""
    low, high = to_micros(time_range.starts), to_micros(time_range.ends)
    spans: list[Span] = []
    cuts: list[TimeRange] = []
    for seconds, starts, ends in _pieces(low, high, sizes):
        if seconds:
            spans.append(Span(seconds, from_micros(starts), from_micros(ends)))
        else:
            cuts.append(TimeRange(from_micros(starts), from_micros(ends)))
    return Cover(tuple(spans), tuple(cuts))


def _pieces(
    low: int | None, high: int | None, sizes: tuple[int, ...]
) -> Iterator[tuple[int, int | None, int | None]]:
    """(bucket size or 0 for a cut, start, end) in microseconds, never empty."""
    finer = 0
    for seconds in sizes:
        size = seconds * 1_000_000
        next_low = None if low is None else -(-low // size) * size
        next_high = None if high is None else high // size * size
        if next_low is not None and next_high is not None and next_low >= next_high:
            # No whole bucket of this size: what is left is all of the size below, or two pieces of it that meet.
            break
        if low is not None and next_low is not None and low < next_low:
            yield finer, low, next_low
        if high is not None and next_high is not None and next_high < high:
            yield finer, next_high, high
        low, high, finer = next_low, next_high, seconds
    if low is None or high is None or low < high:
        yield finer, low, high


def to_micros(instant: datetime | None) -> int | None:
    """Microseconds since 1970."""
    return None if instant is None else (instant - EPOCH) // _MICROSECOND


def from_micros(micros: int | None) -> datetime | None:
    """The instant so many microseconds after 1970."""
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def spans_parameter(spans: tuple[Span, ...]) -> str:
    """Spans as a JSON array for SQL: `[{"seconds": 60, "starts": "…", "ends": "…"}]`."""
    return msgspec.json.encode(
        [
            {
                "seconds": span.bucket_seconds,
                "starts": span.starts.isoformat() if span.starts else "-infinity",
                "ends": span.ends.isoformat() if span.ends else "infinity",
            }
            for span in spans
        ]
    ).decode()


def cut_parameters(cuts: tuple[TimeRange, ...]) -> tuple[str, str, str, str]:
    """Start and end of the first and second cut for SQL. A cut that does not exist holds no instant."""
    nothing = TimeRange(EPOCH, EPOCH)
    first, second = (*cuts, nothing, nothing)[:2]
    return (*bounds_parameters(first), *bounds_parameters(second))


def bounds_parameters(time_range: TimeRange) -> tuple[str, str]:
    """Start and end of a range for SQL; open ends are infinite."""
    return (
        time_range.starts.isoformat() if time_range.starts else "-infinity",
        time_range.ends.isoformat() if time_range.ends else "infinity",
    )
