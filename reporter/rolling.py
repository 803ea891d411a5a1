"""Rolls minutes up into hours and hours into days, once they are over, so that long ranges read few buckets."""

import asyncio
import base64
from collections.abc import Sequence

from pipeline.audience import blob
from pipeline.audience.buckets import DAY, HOUR, MINUTE, Audience, union
from pipeline.audience.facets import FacetTable
from pipeline.store import Database
from reporter.audience_data import StoredAudience, in_groups, read_buckets
from reporter.audience_parts import BucketPart

# A day waits until none of its hours is stale. `now` is taken before the children are read, and children that
# changed shortly before the last roll-up are taken again: their change may have become visible after it.
_DUE = """
SELECT (extract(epoch FROM parent.bucket))::bigint::text AS starts_at, version::text,
       octet_length(data) AS bytes, rolled_at::text, clock_timestamp()::text AS now
FROM audience_buckets AS parent
WHERE source = $1 AND bucket_seconds = $2::integer
  AND stale_since < clock_timestamp() - make_interval(secs => $3::float8)
  AND bucket + make_interval(secs => $2::integer) < clock_timestamp()
  AND NOT EXISTS (
      SELECT FROM audience_buckets AS hour
      WHERE hour.source = $1 AND hour.bucket_seconds = 3600 AND $2::integer = 86400
        AND hour.stale_since IS NOT NULL
        AND hour.bucket >= parent.bucket AND hour.bucket < parent.bucket + interval '86400 seconds')
ORDER BY bucket
LIMIT 100
"""
_CHANGED_CHILDREN = """
SELECT (extract(epoch FROM bucket))::bigint::text AS starts_at, version::text, octet_length(data) AS bytes
FROM audience_buckets
WHERE source = $1 AND bucket_seconds = $2::integer
  AND bucket >= to_timestamp($3::bigint) AND bucket < to_timestamp($3::bigint + $4::integer)
  AND changed_at > $5::timestamptz - interval '5 minutes'
"""
_WRITE = """
UPDATE audience_buckets SET
    data = decode($5, 'base64'), version = version + 1, stale_since = NULL,
    changed_at = clock_timestamp(), rolled_at = $6::timestamptz
WHERE source = $1 AND bucket_seconds = $2::integer AND bucket = to_timestamp($3::bigint)
  AND version = $4::bigint
"""


class Roller:
    """Rolls up the buckets of one source. `table` numbers the source's facet strings."""

    def __init__(self, database: Database, source: str, table: FacetTable) -> None:
        self._database = database
        self._source = source
        self._table = table

    async def roll_up(self, after_seconds: float) -> int:
        """Rolls up what is due, and has been for so many seconds; returns how many hours and days."""
        rolled = 0
        for seconds, child_seconds in ((HOUR, MINUTE), (DAY, HOUR)):
            for row in await self._database.query(_DUE, self._source, seconds, after_seconds):
                parent = BucketPart(seconds, int(row["starts_at"]), int(row["version"]), row["bytes"])
                rolled += await self._roll_up(parent, child_seconds, row["rolled_at"], row["now"])
        return rolled

    async def _roll_up(self, parent: BucketPart, child_seconds: int, rolled_at: str, now: str) -> int:
        """1, or 0 when a fold came between: then the bucket stays stale and its turn comes again."""
        rows = await self._database.query(
            _CHANGED_CHILDREN, self._source, child_seconds, parent.starts_at, parent.bucket_seconds, rolled_at
        )
        parts = [
            BucketPart(child_seconds, int(row["starts_at"]), int(row["version"]), row["bytes"])
            for row in rows
        ]
        if parent.nbytes:
            parts.append(parent)
        so_far: list[Audience] = []
        for group in in_groups(parts):
            stored = await read_buckets(self._database, self._source, group)
            so_far = [await asyncio.to_thread(self._merge, so_far, stored)]
        (audience,) = so_far or [union([], self._table)]
        data = await asyncio.to_thread(self._encode, audience)
        return await self._database.execute(
            _WRITE, self._source, parent.bucket_seconds, parent.starts_at, parent.version, data, now
        )

    def _merge(self, so_far: Sequence[Audience], stored: Sequence[StoredAudience]) -> Audience:
        return union([*so_far, *(row.as_audience(self._table) for row in stored)], self._table)

    def _encode(self, audience: Audience) -> str:
        return base64.b64encode(blob.encode(audience, self._table)).decode()
