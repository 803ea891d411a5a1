"""The fold: puts the users of new segments into their minutes' buckets.

It reads segments that are not folded, merges them into the minutes that they touch, and marks them folded. A minute
is written only if nobody else has written it meanwhile (its version is compared), so two folders never undo each
other; and because a union takes no harm from what comes twice, a crash between writing and marking costs nothing
but the work. A lease keeps several reporters from all doing it.
"""

import asyncio
import base64
from collections.abc import Mapping, Sequence

import msgspec

from pipeline.audience import blob
from pipeline.audience.buckets import MINUTE, Audience, split_by_minute, union
from pipeline.audience.facets import FacetTable
from pipeline.audience.pairs import Pairs
from pipeline.errors import SluiceError
from pipeline.store import Database
from reporter.audience_data import StoredAudience, in_groups, read_buckets, read_segments
from reporter.audience_parts import BucketPart, SegmentPart

_WRITING_ATTEMPTS = 5

# A segment of the minute that is still going on waits until it is over: a minute under load would otherwise be read,
# merged and written again with every fold. Until then reports read the segment itself.
_UNFOLDED = """
SELECT segment_id::text, octet_length(data) AS bytes
FROM (
    SELECT segment_id, data, sum(events) OVER (ORDER BY segment_id) - events AS events_before
    FROM audience_segments
    WHERE source = $1 AND NOT folded AND first_at < date_trunc('minute', clock_timestamp())
    ORDER BY segment_id
    LIMIT 20000
) AS waiting
WHERE events_before < $2::bigint
"""
_KNOWN_MINUTES = """
SELECT (extract(epoch FROM bucket))::bigint::text AS starts_at, version::text, octet_length(data) AS bytes
FROM json_array_elements_text($2::json) AS minute
JOIN audience_buckets ON source = $1 AND bucket_seconds = 60 AND bucket = to_timestamp(minute::bigint)
"""
# `excluded.version` is the version that was read plus one; a row that has moved on is left alone and not
# returned. Hours and days over the minutes become stale; their version moves too, so that a roll-up that read
# before this fold cannot declare them fresh after it.
_WRITE = """
WITH incoming AS MATERIALIZED (
    SELECT to_timestamp(starts_at) AS bucket, version, decode(data, 'base64') AS data
    FROM json_to_recordset($2::json) AS minute(starts_at bigint, version bigint, data text)
), parents AS (
    INSERT INTO audience_buckets AS kept (source, bucket_seconds, bucket, stale_since)
    SELECT DISTINCT $1, seconds, date_bin(make_interval(secs => seconds), bucket, 'epoch'), now()
    FROM incoming CROSS JOIN (VALUES (3600), (86400)) AS sizes(seconds)
    ORDER BY 2, 3
    ON CONFLICT ON CONSTRAINT audience_buckets_pkey DO UPDATE SET
        stale_since = coalesce(kept.stale_since, excluded.stale_since),
        version = kept.version + 1
), written AS (
    INSERT INTO audience_buckets AS kept (source, bucket_seconds, bucket, version, data)
    SELECT $1, 60, bucket, version, data FROM incoming ORDER BY bucket
    ON CONFLICT ON CONSTRAINT audience_buckets_pkey DO UPDATE SET
        data = excluded.data, version = excluded.version, changed_at = clock_timestamp()
    WHERE kept.version = excluded.version - 1
    RETURNING bucket
)
SELECT (extract(epoch FROM bucket))::bigint::text AS starts_at FROM written
"""
_MARK = """
UPDATE audience_segments SET folded = true
WHERE segment_id IN (SELECT value::bigint FROM json_array_elements_text($1::json))
"""
_LEASE = """
INSERT INTO audience_folds AS kept (source, holder, held_until)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3::float8))
ON CONFLICT (source) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
WHERE kept.held_until < clock_timestamp() OR kept.holder = excluded.holder
RETURNING source
"""


class FoldConflict(SluiceError):
    """Others kept writing the same minutes. The segments stay unfolded, so the next fold takes them."""


class Folder:
    """Folds the segments of one source. `table` numbers the source's facet strings."""

    def __init__(self, database: Database, source: str, table: FacetTable) -> None:
        self._database = database
        self._source = source
        self._table = table

    async def take_lease(self, holder: str, seconds: float) -> bool:
        """Whether this process is the one that folds the source for the next seconds."""
        return bool(await self._database.query(_LEASE, self._source, holder, seconds))

    async def fold(self, max_events: int) -> int:
        """Folds the oldest segments with at most about so many events; returns how many segments."""
        rows = await self._database.query(_UNFOLDED, self._source, max_events)
        parts = [SegmentPart(int(row["segment_id"]), row["bytes"]) for row in rows]
        for group in in_groups(parts):
            stored = await read_segments(self._database, group)
            await self._add(await asyncio.to_thread(self._split, stored))
            folded = msgspec.json.encode([str(part.segment_id) for part in group]).decode()
            await self._database.execute(_MARK, folded)
        return len(parts)

    def _split(self, stored: Sequence[StoredAudience]) -> Mapping[int, Pairs]:
        return split_by_minute([row.as_segment(self._table) for row in stored])

    async def _add(self, minutes: Mapping[int, Pairs]) -> None:
        """Merges users into minutes. Raises FoldConflict if others keep writing the same ones."""
        waiting = set(minutes)
        for _ in range(_WRITING_ATTEMPTS):
            known = await self._known(waiting)
            for group in in_groups(known):
                waiting -= await self._add_group({part.starts_at: part for part in group}, minutes)
            if not waiting:
                return
        raise FoldConflict(
            f"{len(waiting)} minutes of {self._source} were written by others at every attempt"
        )

    async def _known(self, minutes: set[int]) -> list[BucketPart]:
        """The minutes as they are stored; version 0 where there is none yet."""
        wanted = msgspec.json.encode([str(minute) for minute in sorted(minutes)]).decode()
        rows = await self._database.query(_KNOWN_MINUTES, self._source, wanted)
        found = {
            int(row["starts_at"]): BucketPart(
                MINUTE, int(row["starts_at"]), int(row["version"]), row["bytes"]
            )
            for row in rows
        }
        # A size for those that are new too, so that a statement that writes a group stays small.
        return [found.get(minute) or BucketPart(MINUTE, minute, 0, 20_000) for minute in sorted(minutes)]

    async def _add_group(self, group: Mapping[int, BucketPart], minutes: Mapping[int, Pairs]) -> set[int]:
        """Returns the minutes that were written."""
        stored = await read_buckets(self._database, self._source, [p for p in group.values() if p.version])

        def merged() -> list[dict[str, object]]:
            before: dict[str, Audience] = {row.key: row.as_audience(self._table) for row in stored}
            return [
                {
                    "starts_at": minute,
                    "version": part.version + 1,
                    "data": self._encoded(before.get(part.key), minutes[minute]),
                }
                for minute, part in group.items()
            ]

        incoming = msgspec.json.encode(await asyncio.to_thread(merged)).decode()
        rows = await self._database.query(_WRITE, self._source, incoming)
        return {int(row["starts_at"]) for row in rows}

    def _encoded(self, before: Audience | None, new: Pairs) -> str:
        audience = union([before, new], self._table) if before is not None else new
        return base64.b64encode(blob.encode(audience, self._table)).decode()
