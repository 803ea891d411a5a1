"""The exactly-once write: ledger, events, rollups, audience and the counters' news in one statement."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import LiteralString

import msgspec

from pipeline.events.canary import ArrivedCanary
from pipeline.events.record import EventRecord
from pipeline.store.bulk import BulkText
from pipeline.store.database import Database
from pipeline.store.projection import EVENTS_ONLY, Projection

_SHARDS = 1024

# How the statement reads: `incoming` is the batch; `fresh` are the ids that the ledger did not know; only those
# become `stored`, and everything after is derived from `stored` alone. Keys are inserted in one order by all
# writers, so that two that hold the same duplicates wait for each other but never in a circle; nobody holds a
# rollup row while still waiting for a key.
#
# Where there are live counters, a row of `live_updates` says what they have not been told yet. Where there are none, no
# rows pile up that nobody reads, and counters that somebody kept before are no longer complete: their epoch ends.
#
# The batch travels as base64 of a JSON array: the text crosses two more JSON encodings on its way, and base64
# has nothing that they would have to escape. `payload` stays the text that came in.
_WRITE = """
WITH incoming AS MATERIALIZED (
    SELECT md5($1 || id)::uuid AS key, batch.*
    FROM json_to_recordset(convert_from(decode($2, 'base64'), 'UTF8')::json) AS batch(
        id text, stage text, type text, at timestamptz, received timestamptz, "user" text, facets text,
        amount numeric, currency text, campaign text, watch numeric, watched numeric, payload json)
), fresh AS (
    INSERT INTO event_ledger (key)
    SELECT key FROM incoming ORDER BY key
    ON CONFLICT DO NOTHING
    RETURNING key
), stored AS (
    INSERT INTO events (occurred_at, received_at, source, event_id, funnel_stage, event_type, user_id, facets,
                        amount, currency, campaign_id, watch_seconds, watched_percent, payload)
    SELECT at, received, $1, id, stage, type, "user", facets, amount, currency, campaign, watch, watched, payload
    FROM incoming JOIN fresh USING (key)
    RETURNING occurred_at, funnel_stage, event_type, user_id, facets, amount, currency, watch_seconds,
              watched_percent{columns}
), per_second AS (
    SELECT date_trunc('second', occurred_at, 'UTC') AS second, funnel_stage, event_type,
           coalesce(currency, '') AS currency, count(*) AS events, count(amount) AS transactions,
           coalesce(sum(amount), 0) AS revenue, count(watch_seconds) AS watches,
           coalesce(sum(watch_seconds), 0) AS watch_seconds, coalesce(sum(watched_percent), 0) AS watched_percent
    FROM stored
    GROUP BY 1, 2, 3, 4
), rolled_up AS (
    INSERT INTO event_rollups AS kept
    SELECT seconds, date_bin(make_interval(secs => seconds), second, 'epoch'), $1, funnel_stage, event_type,
           currency, $3::integer, sum(events), sum(transactions), sum(revenue), sum(watches), sum(watch_seconds),
           sum(watched_percent)
    FROM per_second CROSS JOIN (VALUES (1), (60), (3600), (86400)) AS buckets(seconds)
    GROUP BY 1, 2, 4, 5, 6
    ORDER BY 1, 2, 4, 5, 6
    ON CONFLICT ON CONSTRAINT event_rollups_pkey DO UPDATE SET
        events = kept.events + excluded.events,
        transactions = kept.transactions + excluded.transactions,
        revenue = kept.revenue + excluded.revenue,
        watches = kept.watches + excluded.watches,
        watch_seconds = kept.watch_seconds + excluded.watch_seconds,
        watched_percent = kept.watched_percent + excluded.watched_percent
{audience}{tables}), live_update AS (
    INSERT INTO live_updates (source, changes)
    SELECT $1, json_build_object('events', json_agg(json_build_array(event_type, day, events)){facts})
    FROM (SELECT event_type, to_char(second AT TIME ZONE 'UTC', 'YYYYMMDD') AS day, sum(events) AS events
          FROM per_second GROUP BY 1, 2) AS per_day
    HAVING $4::boolean AND count(*) > 0
), untold AS (
    DELETE FROM live_epochs WHERE source = $1 AND NOT $4::boolean
){canaries}
SELECT count(*)::integer AS stored FROM stored
"""

# Who was there, for the reports on people.
_AUDIENCE = """), facet_index AS (
    SELECT facets, row_number() OVER () - 1 AS index
    FROM (SELECT DISTINCT facets FROM stored WHERE user_id IS NOT NULL) AS present
), segment AS (
    INSERT INTO audience_segments (source, first_at, last_at, events, facets, data)
    SELECT $1, min(occurred_at), max(occurred_at), count(*),
           (SELECT array_agg(facets ORDER BY index) FROM facet_index),
           string_agg(int8send(hashtextextended(user_id, 0))
                      || int8send((extract(epoch FROM occurred_at) * 1000000)::bigint)
                      || int2send(index::smallint), ''::bytea)
    FROM stored JOIN facet_index USING (facets)
    WHERE user_id IS NOT NULL
    HAVING count(*) > 0
"""


# Who is silent for an hour has ended: no sender comes back under its old name.
_CANARIES = """, arrived AS MATERIALIZED (
    SELECT DISTINCT ON (sender) sender, number, LEAST(at, clock_timestamp()) AS at
    FROM json_to_recordset(convert_from(decode($5, 'base64'), 'UTF8')::json)
        AS canaries(sender text, number bigint, at timestamptz)
    ORDER BY sender, number DESC
), canaries AS (
    INSERT INTO pipeline_canaries AS kept (source, sender, number, sent_at, stored_at)
    SELECT $1, sender, number, at, clock_timestamp() FROM arrived ORDER BY sender
    ON CONFLICT (source, sender) DO UPDATE SET
        number = excluded.number, sent_at = excluded.sent_at, stored_at = excluded.stored_at
    WHERE excluded.number > kept.number
), silent AS (
    DELETE FROM pipeline_canaries
    WHERE source = $1 AND stored_at < clock_timestamp() - interval '1 hour'
      AND NOT EXISTS (SELECT FROM arrived WHERE arrived.sender = pipeline_canaries.sender)
)"""


class WriteResult(msgspec.Struct, frozen=True):
    """How many events of a batch were new, and how many the ledger already knew (or the batch held twice)."""

    stored: int
    duplicates: int


class EventStore:
    """Writes the events of one source. Safe to call again with the same records, from any number of processes."""

    def __init__(
        self,
        database: Database,
        source: str,
        news: asyncio.Event | None = None,
        projection: Projection = EVENTS_ONLY,
        notices: asyncio.Event | None = None,
    ) -> None:
        """`news` is set when there is something to tell the live counters; None where there are none. `notices` is set
        when there may be something to tell people."""
        self._write: LiteralString = _statement(projection)
        self._write_canaries: LiteralString = _statement(projection, _CANARIES)
        self._database = database
        self._source = source
        self._news = news
        # Rollup rows are summed over shards: two writers that draw the same one only wait for each other.
        self._shard = secrets.randbelow(_SHARDS)
        self._notices = notices

    @property
    def writer(self) -> int:
        """The number that this writer's rows have in `notification_outbox`."""
        return self._shard

    async def write(self, records: Sequence[EventRecord]) -> WriteResult:
        """Stores what is new among the records, in one transaction.

        Raises DataRejected when Postgres refuses one of them: then none is stored. Raises StoreUnavailable when
        it may succeed later: then whether they are stored is unknown, and writing them again finds out.
        """
        # The first of two with the same id wins, as it would if they came in two batches.
        unique = {record.event_id: record for record in reversed(records)}
        batch = BulkText.of(msgspec.json.encode(list(unique.values())))
        rows = await self._database.query_bulk(
            self._write, self._source, batch, self._shard, self._news is not None
        )
        stored = int(rows[0]["stored"])
        if stored and self._news:
            self._news.set()
        if stored and self._notices:
            self._notices.set()
        return WriteResult(stored=stored, duplicates=len(records) - stored)

    async def write_canaries(self, canaries: Sequence[ArrivedCanary]) -> None:
        """Notes that canaries have come through, by the very statement that stores events, with none in it.

        So it waits and fails where that would. An older canary of a sender than the one that is known changes nothing.
        Raises as `write`.
        """
        none = BulkText.of(b"[]")
        arrived = BulkText.of(
            msgspec.json.encode(
                [{"sender": each.sender, "number": each.number, "at": each.received_at} for each in canaries]
            )
        )
        await self._database.query_bulk(
            self._write_canaries, self._source, none, self._shard, self._news is not None, arrived
        )


def _statement(projection: Projection, canaries: LiteralString = "") -> LiteralString:
    return _WRITE.format(
        audience=_AUDIENCE if projection.has_audience else "",
        columns=projection.columns,
        tables=projection.write,
        facts=projection.changed_facts,
        canaries=canaries,
    )
