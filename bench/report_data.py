"""Millions of events in the database, made by SQL: events, rollups and audience segments that tell the same story."""

from datetime import UTC, datetime, timedelta

import msgspec

from ops.local import database

START = datetime(2026, 3, 3, 7, 41, 13, 271828, UTC)
CHUNK = 120_000
_DAY = timedelta(days=1)

# Event number i is made from i alone: its source, stage and type by turns, its facets and amount by hashes.
# A segment holds 3,000 events of one source, as a collector under load writes them.
_CHUNK = """
WITH made AS MATERIALIZED (
    SELECT i, i / 6000 AS segment, source, stage, facets, user_id, type,
           '{start}'::timestamptz + i * interval '{step_us} microseconds' AS at,
           CASE WHEN type IN ('checkout.complete', 'purchase')
                THEN (500 + abs(hashint8(i)) % 99500) / 100.0 END AS amount,
           CASE WHEN source = 'tiktok' AND stage = 'top' THEN (i % 3000) / 10.0 END AS watch
    FROM generate_series({first}, {last}) AS i
    CROSS JOIN LATERAL (
        SELECT (ARRAY['facebook', 'tiktok'])[1 + i % 2] AS source, (ARRAY['top', 'bottom'])[1 + i / 2 % 2] AS stage,
               'user-' || CASE WHEN i % 3 = 0 THEN abs(hashint8(i)) % ({events} / 4) ELSE i END AS user_id
    ) AS a
    CROSS JOIN LATERAL (SELECT abs(hashtext(user_id)) AS h) AS b
    CROSS JOIN LATERAL (
        SELECT CASE
                   WHEN source = 'facebook' AND stage = 'top'
                       THEN (ARRAY['ad.view', 'page.like', 'comment', 'video.view'])[1 + i / 4 % 4]
                   WHEN source = 'facebook'
                       THEN (ARRAY['ad.click', 'form.submission', 'checkout.complete'])[1 + i / 4 % 3]
                   WHEN stage = 'top' THEN (ARRAY['video.view', 'like', 'share', 'comment'])[1 + i / 4 % 4]
                   ELSE (ARRAY['profile.visit', 'purchase', 'follow'])[1 + i / 4 % 3]
               END AS type,
               CASE
                   WHEN source = 'facebook'
                       THEN (ARRAY['<18', '18-24', '25-34', '35-44', '45-54', '55+'])[1 + h % 6] || E'\\x1f'
                            || (ARRAY['male', 'female', 'non-binary'])[1 + h / 6 % 3] || E'\\x1f'
                            || 'country ' || h / 18 % 240
                   ELSE (ARRAY['<100', '100-999', '1K-9.9K', '10K-99.9K', '100K+'])[1 + h % 5] || E'\\x1f'
                        || CASE WHEN stage = 'top'
                                THEN (ARRAY['Android', 'iOS', 'Desktop'])[1 + h / 5 % 3] || E'\\x1f'
                                     || 'country ' || h / 15 % 240
                                ELSE E'\\x1f' END
               END AS facets
    ) AS c
), stored AS (
    INSERT INTO events (occurred_at, received_at, source, event_id, funnel_stage, event_type, user_id, facets,
                        amount, campaign_id, watch_seconds, watched_percent, payload)
    SELECT at, at, source, 'bench-' || i, stage, type, user_id, facets,
           amount, CASE WHEN type = 'checkout.complete' THEN 'camp-' || i % 100000 END, watch, watch / 3,
           json_build_object('eventId', i, 'data', repeat('x', 380))
    FROM made
), rolled_up AS (
    INSERT INTO event_rollups AS kept
    SELECT seconds, date_bin(make_interval(secs => seconds), at, 'epoch'), source, stage, type, '', 7, count(*),
           count(amount), coalesce(sum(amount), 0), count(watch), coalesce(sum(watch), 0),
           coalesce(sum(watch / 3), 0)
    FROM made CROSS JOIN (VALUES (1), (60), (3600), (86400)) AS sizes(seconds)
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT ON CONSTRAINT event_rollups_pkey DO UPDATE SET
        events = kept.events + excluded.events, transactions = kept.transactions + excluded.transactions,
        revenue = kept.revenue + excluded.revenue, watches = kept.watches + excluded.watches,
        watch_seconds = kept.watch_seconds + excluded.watch_seconds,
        watched_percent = kept.watched_percent + excluded.watched_percent
), numbered AS (
    SELECT *, dense_rank() OVER (PARTITION BY source, segment ORDER BY facets) - 1 AS index FROM made
)
INSERT INTO audience_segments (source, first_at, last_at, events, facets, data)
SELECT source, min(at), max(at), count(*),
       (SELECT array_agg(facets ORDER BY index) FROM (
            SELECT DISTINCT facets, index FROM numbered AS n
            WHERE n.source = numbered.source AND n.segment = numbered.segment) AS present),
       string_agg(int8send(hashtextextended(user_id, 0)) || int8send((extract(epoch FROM at) * 1000000)::bigint)
                  || int2send(index::smallint), ''::bytea)
FROM numbered
GROUP BY source, segment
"""

# The same time again and again, further back: what reports read of it, without the events. Seconds are left out:
# no range of the benchmark cuts a minute there.
_OLDER_ROLLUPS = """
INSERT INTO event_rollups
SELECT bucket_seconds, bucket - {back} * interval '{days} days', source, funnel_stage, event_type, currency, shard,
       events, transactions, revenue, watches, watch_seconds, watched_percent
FROM event_rollups
WHERE bucket_seconds = {seconds} AND bucket >= '{start}'::timestamptz - interval '1 day'
"""
_OLDER_AUDIENCE = """
INSERT INTO audience_buckets (source, bucket_seconds, bucket, data)
SELECT source, bucket_seconds, bucket - {back} * interval '{days} days', data
FROM audience_buckets
WHERE bucket >= '{start}'::timestamptz - interval '1 day'
"""


class History(msgspec.Struct, frozen=True):
    """So many events, evenly over a time that begins at START."""

    events: int
    span: timedelta

    @property
    def end(self) -> datetime:
        return START + self.span


def fill(url: str, history: History) -> None:
    """Writes the history into a migrated database. About 20,000 events a second."""
    _partitions(url, START, history.end)
    step_us = history.span // timedelta(microseconds=1) // history.events
    for first in range(0, history.events, CHUNK):
        last = min(first + CHUNK, history.events) - 1
        statement = _CHUNK.format(
            start=START.isoformat(), step_us=step_us, first=first, last=last, events=history.events
        )
        database.statement(url, statement)
        print(f"\r{last + 1:,} events", end="", flush=True)
    database.statement(url, "ANALYZE")
    print()


def multiply(url: str, history: History, times: int) -> None:
    """Adds older history, `times` as long in all: partitions, rollups and audience buckets."""
    days = history.span.days + 1
    _partitions(url, START - (times - 1) * days * _DAY, START)
    for back in range(1, times):
        for seconds in (60, 3_600, 86_400):
            rollups = _OLDER_ROLLUPS.format(back=back, days=days, seconds=seconds, start=START.isoformat())
            database.statement(url, rollups)
        database.statement(url, _OLDER_AUDIENCE.format(back=back, days=days, start=START.isoformat()))
        print(f"\r{(back + 1) * history.events:,} events simulated", end="", flush=True)
    database.statement(url, "ANALYZE")
    print()


def _partitions(url: str, starts: datetime, ends: datetime) -> None:
    day = starts.replace(hour=0, minute=0, second=0, microsecond=0)
    statements: list[str] = []
    while day < ends:
        statements.append(
            f"CREATE TABLE IF NOT EXISTS bench_{day:%Y%m%d} PARTITION OF events "
            f"FOR VALUES FROM ('{day.isoformat()}') TO ('{(day + _DAY).isoformat()}')"
        )
        day += _DAY
    database.statement(url, "; ".join(statements))
