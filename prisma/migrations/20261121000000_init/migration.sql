-- The database of Sluice. SQL runs on Postgres 15 to 18 alike.

-- Which events are stored: the authority for "exactly once". The key is md5(source, eventId), so that the
-- index stays narrow whatever ids a sender makes up. Written in the same transaction as the events.
CREATE TABLE event_ledger (
    key       uuid NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_ledger_pkey PRIMARY KEY (key)
);
CREATE INDEX event_ledger_stored_at_idx ON event_ledger USING brin (stored_at);

-- The events themselves, partitioned by the day on which they happened, so that retention drops partitions.
-- It has no unique key of its own: on a partitioned table that would have to hold the partition key, and the
-- same id with another time would slip through. The ledger guards it.
CREATE TABLE events (
    occurred_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    source          text NOT NULL,
    event_id        text NOT NULL,
    funnel_stage    text NOT NULL,
    event_type      text NOT NULL,
    user_id         text,
    facets          text NOT NULL,
    amount          numeric,
    currency        text,
    campaign_id     text,
    watch_seconds   numeric,
    watched_percent numeric,
    payload         json NOT NULL
) PARTITION BY RANGE (occurred_at);
-- Where a range cuts a second, reports read the events of that second. A BRIN index finds them only in pages that
-- were summarized, which vacuum does minutes later: until then each report reads all that was stored since (63 ms
-- after 300,000 events, 7 ms once summarized), and events that come in any order defeat it for good.
CREATE INDEX events_occurred_at_idx ON events (occurred_at);
CREATE INDEX events_campaign_id_idx ON events (campaign_id) WHERE amount IS NOT NULL AND campaign_id IS NOT NULL;

-- Events of days that have no partition (yet) land here: old and far-off ones cost a slower report, never an error.
CREATE TABLE events_default PARTITION OF events DEFAULT;

-- Sums per bucket of time, kept at four bucket sizes, so that a report reads few rows whatever its range is.
-- `shard` tells the writers apart: two collectors never wait for each other's row.
CREATE TABLE event_rollups (
    bucket_seconds  integer NOT NULL,
    bucket          timestamptz NOT NULL,
    source          text NOT NULL,
    funnel_stage    text NOT NULL,
    event_type      text NOT NULL,
    currency        text NOT NULL,
    shard           integer NOT NULL,
    events          bigint NOT NULL,
    transactions    bigint NOT NULL,
    revenue         numeric NOT NULL,
    watches         bigint NOT NULL,
    watch_seconds   numeric NOT NULL,
    watched_percent numeric NOT NULL,
    CONSTRAINT event_rollups_pkey
        PRIMARY KEY (bucket_seconds, bucket, source, funnel_stage, event_type, currency, shard)
);

-- Who was there: one row per stored batch, 18 bytes per event, so that distinct users are counted without
-- reading the wide events. `data` is (user hash int8, microseconds since 1970 int8, index into facets int2)*.
CREATE TABLE audience_segments (
    segment_id bigint GENERATED ALWAYS AS IDENTITY,
    source     text NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    events     integer NOT NULL,
    facets     text[] NOT NULL,
    data       bytea NOT NULL,
    CONSTRAINT audience_segments_pkey PRIMARY KEY (segment_id)
);
ALTER TABLE audience_segments ALTER COLUMN data SET STORAGE EXTERNAL; -- hashes do not compress

-- How far each source's collectors have come. `complete_through`: everything accepted before it is stored.
CREATE TABLE collector_progress (
    source           text NOT NULL,
    complete_through timestamptz NOT NULL,
    observed_at      timestamptz NOT NULL,
    CONSTRAINT collector_progress_pkey PRIMARY KEY (source)
);
