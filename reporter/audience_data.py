"""Reads what the parts of a range hold, a bounded number of bytes at a time."""

import binascii
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from pipeline.audience import blob
from pipeline.audience.buckets import Audience
from pipeline.audience.facets import FacetTable
from pipeline.audience.segment import Segment, decode_segment
from pipeline.store import Database
from reporter.audience_parts import BucketPart, EventsPart, SegmentPart
from reporter.ranges import bounds_parameters

_BYTES_AT_ONCE = 6_000_000

_SEGMENTS = """
SELECT segment_id::text AS key, to_json(facets)::text AS facets, data
FROM audience_segments
WHERE segment_id IN (SELECT value::bigint FROM json_array_elements_text($1::json))
"""
_BUCKETS = """
SELECT bucket_seconds || ' ' || (extract(epoch FROM bucket))::bigint AS key, data
FROM json_to_recordset($2::json) AS wanted(seconds integer, starts_at bigint)
JOIN audience_buckets ON source = $1 AND bucket_seconds = seconds AND bucket = to_timestamp(starts_at)
"""
# As the collectors write segments; several, where there are more facet strings than two bytes can number.
_EVENTS = """
WITH cut AS MATERIALIZED (
    SELECT user_id, occurred_at, facets, index % 32768 AS index, index / 32768 AS part
    FROM (
        SELECT user_id, occurred_at, facets, dense_rank() OVER (ORDER BY facets) - 1 AS index
        FROM events
        WHERE source = $1 AND occurred_at >= $2::timestamptz AND occurred_at < $3::timestamptz
          AND user_id IS NOT NULL
    ) AS ranked
)
SELECT (SELECT json_agg(facets ORDER BY index)
        FROM (SELECT DISTINCT facets, index FROM cut AS other WHERE other.part = cut.part) AS present)::text
           AS facets,
       string_agg(int8send(hashtextextended(user_id, 0))
                  || int8send((extract(epoch FROM occurred_at) * 1000000)::bigint)
                  || int2send(index::smallint), ''::bytea) AS data
FROM cut
GROUP BY part
"""

PartT = TypeVar("PartT", SegmentPart, BucketPart)


def in_groups(parts: Iterable[PartT]) -> Iterator[list[PartT]]:
    """The parts, so many at a time that their data fits into one answer."""
    group: list[PartT] = []
    nbytes = 0
    for part in parts:
        if group and nbytes + part.nbytes > _BYTES_AT_ONCE:
            yield group
            group, nbytes = [], 0
        group.append(part)
        nbytes += part.nbytes
    if group:
        yield group


class StoredAudience(msgspec.Struct, frozen=True):
    """One row as it came: `key` is the part's, `facets` is a JSON array, `data` is base64 as Prisma gives bytea."""

    key: str
    facets: str
    data: str

    def as_segment(self, table: FacetTable) -> Segment:
        strings = msgspec.json.decode(self.facets, type=list[str])
        return decode_segment(binascii.a2b_base64(self.data), strings, table)

    def as_audience(self, table: FacetTable) -> Audience:
        return blob.decode(binascii.a2b_base64(self.data), table)


async def read_segments(database: Database, parts: Sequence[SegmentPart]) -> list[StoredAudience]:
    """The segments that are still there, in any order."""
    wanted = msgspec.json.encode([str(part.segment_id) for part in parts]).decode()
    return _stored(await database.query(_SEGMENTS, wanted))


async def read_buckets(database: Database, source: str, parts: Sequence[BucketPart]) -> list[StoredAudience]:
    """The buckets that are still there, in any order, at least as new as the parts say."""
    wanted = [{"seconds": part.bucket_seconds, "starts_at": part.starts_at} for part in parts]
    return _stored(await database.query(_BUCKETS, source, msgspec.json.encode(wanted).decode()))


async def read_events(database: Database, source: str, part: EventsPart) -> list[StoredAudience]:
    """The events themselves as segments: usually one, none when there are no events."""
    return _stored(await database.query(_EVENTS, source, *bounds_parameters(part.time_range)))


def _stored(rows: Iterable[dict[str, Any]]) -> list[StoredAudience]:
    return [StoredAudience(row.get("key", ""), row.get("facets", ""), row["data"]) for row in rows]
