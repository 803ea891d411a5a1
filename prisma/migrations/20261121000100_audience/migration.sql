-- Distinct users per bucket of time, made from the audience segments by the reporter's fold.

-- A segment is unfolded until its users are in their minutes' buckets. A flag on the row and no "highest id so
-- far": ids are given out before commit, so a watermark would skip a batch that commits late.
ALTER TABLE audience_segments ADD COLUMN folded boolean NOT NULL DEFAULT false;
CREATE INDEX audience_segments_unfolded_idx ON audience_segments (source, segment_id) WHERE NOT folded;
-- Which segments reach into a minute that a report's range cuts?
CREATE INDEX audience_segments_span_idx ON audience_segments USING gist (tstzrange(first_at, last_at, '[]'));

-- `data` is the bucket's audience as pipeline/audience/blob.py writes it. Minutes are written by the fold, hours
-- and days are rolled up from the level below once they are over; until then, and when late events arrive,
-- they are stale and a report goes down to their children.
CREATE TABLE audience_buckets (
    source         text NOT NULL,
    bucket_seconds integer NOT NULL,
    bucket         timestamptz NOT NULL,
    version        bigint NOT NULL DEFAULT 1,
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    rolled_at      timestamptz NOT NULL DEFAULT '-infinity',
    stale_since    timestamptz,
    data           bytea NOT NULL DEFAULT '',
    CONSTRAINT audience_buckets_pkey PRIMARY KEY (source, bucket_seconds, bucket)
);
ALTER TABLE audience_buckets ALTER COLUMN data SET STORAGE EXTERNAL; -- hashes do not compress
CREATE INDEX audience_buckets_stale_idx ON audience_buckets (source, bucket_seconds, bucket)
    WHERE stale_since IS NOT NULL;

-- Which reporter folds a source at the moment. Two that fold at once do the work twice but no harm.
CREATE TABLE audience_folds (
    source     text NOT NULL,
    holder     text NOT NULL,
    held_until timestamptz NOT NULL,
    CONSTRAINT audience_folds_pkey PRIMARY KEY (source)
);
