"""Which stored pieces together hold everybody who had an event in a range."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.audience.buckets import DAY, HOUR, LEVELS, MINUTE
from pipeline.store import Database
from reporter.ranges import Span, TimeRange, bounds_parameters, cover, from_micros, spans_parameter

_MOST_EVENTS_IN_CUT_SEGMENTS = 3_000_000
_MOST_CUT_SEGMENTS = 4_000

_UNFOLDED = """
SELECT segment_id::text, octet_length(data) AS bytes
FROM audience_segments
WHERE source = $1 AND NOT folded AND first_at < $3::timestamptz AND last_at >= $2::timestamptz
"""
_FOLDED_IN_CUT = """
SELECT segment_id::text, octet_length(data) AS bytes, events
FROM audience_segments
WHERE tstzrange(first_at, last_at, '[]') && tstzrange($2::timestamptz, $3::timestamptz)
  AND source = $1 AND folded
LIMIT 4001
"""
_BUCKETS = """
SELECT (extract(epoch FROM found.bucket))::bigint::text AS starts_at, found.version::text, found.stale, found.bytes
FROM json_to_recordset($2::json) AS span(seconds integer, starts timestamptz, ends timestamptz)
CROSS JOIN LATERAL (
    SELECT bucket, version, stale_since IS NOT NULL AS stale, octet_length(data) AS bytes
    FROM audience_buckets
    WHERE source = $1 AND bucket_seconds = span.seconds AND bucket >= span.starts AND bucket < span.ends
    OFFSET 0
) AS found
"""


class SegmentPart(msgspec.Struct, frozen=True):
    """The events of one segment that lie in the range."""

    segment_id: int
    nbytes: int

    @property
    def key(self) -> str:
        """What its row is found by."""
        return str(self.segment_id)


class BucketPart(msgspec.Struct, frozen=True):
    """A whole bucket, `starts_at` in seconds since 1970. What it holds only grows with its version."""

    bucket_seconds: int
    starts_at: int
    version: int
    nbytes: int

    @property
    def key(self) -> str:
        """What its row is found by."""
        return f"{self.bucket_seconds} {self.starts_at}"


class EventsPart(msgspec.Struct, frozen=True):
    """A piece of the range that is cheaper to read from the events. `version` changes when events are added."""

    time_range: TimeRange
    version: int
    nbytes: int = 0


Part = SegmentPart | BucketPart | EventsPart


async def find_parts(database: Database, source: str, time_range: TimeRange, events: int) -> list[Part]:
    """The pieces of a range, which may overlap: they are for union. `events` is how many events it holds.

    What is not folded is listed before the buckets are: a fold in between then shows up twice, never not at all.
    """
    rows = await database.query(_UNFOLDED, source, *bounds_parameters(time_range))
    parts: list[Part] = [_segment(row) for row in rows]
    covered = cover(time_range, LEVELS)
    for cut in covered.cuts:
        parts += await _parts_of_cut(database, source, cut, events)
    parts += await _find_buckets(database, source, covered.spans)
    return list(dict.fromkeys(parts))


async def _parts_of_cut(database: Database, source: str, cut: TimeRange, version: int) -> Sequence[Part]:
    """Less than two minutes. Segments of a live stream are a few seconds long, so few of them reach in; those of
    events that came in any order all do, and then the events' own time index is the shorter way."""
    rows = await database.query(_FOLDED_IN_CUT, source, *bounds_parameters(cut))
    if len(rows) > _MOST_CUT_SEGMENTS or sum(row["events"] for row in rows) > _MOST_EVENTS_IN_CUT_SEGMENTS:
        return [EventsPart(cut, version)]
    return [_segment(row) for row in rows]


async def _find_buckets(database: Database, source: str, spans: Sequence[Span]) -> list[Part]:
    """Days, then hours where no day can be used, then minutes where no hour can."""
    parts: list[Part] = []
    stale: list[Span] = []
    for seconds, finer in ((DAY, HOUR), (HOUR, MINUTE), (MINUTE, 0)):
        wanted = [span for span in spans if span.bucket_seconds == seconds] + stale
        stale = []
        if not wanted:
            continue
        for row in await database.query(_BUCKETS, source, spans_parameter(tuple(wanted))):
            starts_at = int(row["starts_at"])
            if row["stale"]:
                ends_at = starts_at + seconds
                stale.append(
                    Span(finer, from_micros(starts_at * 1_000_000), from_micros(ends_at * 1_000_000))
                )
            else:
                parts.append(BucketPart(seconds, starts_at, int(row["version"]), row["bytes"]))
    return parts


def _segment(row: dict[str, Any]) -> SegmentPart:
    return SegmentPart(int(row["segment_id"]), row["bytes"])
