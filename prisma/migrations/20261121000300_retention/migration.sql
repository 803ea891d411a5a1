-- Up to which day everything older has been removed, and who is removing at the moment. One row.
CREATE TABLE retention_state (
    only_row      boolean NOT NULL DEFAULT true,
    cutoff        timestamptz NOT NULL DEFAULT '-infinity',
    claimed_until timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT retention_state_pkey PRIMARY KEY (only_row),
    CONSTRAINT retention_state_one_row CHECK (only_row)
);
INSERT INTO retention_state DEFAULT VALUES;

-- Retention removes a day of a table that keeps many days: a small share, whose room must be free for the next day.
-- The default would wait until a fifth of the table is dead.
ALTER TABLE event_ledger SET (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 10000);
ALTER TABLE event_rollups SET (autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 10000);
ALTER TABLE audience_segments SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
ALTER TABLE audience_buckets SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
ALTER TABLE events_default SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000);
