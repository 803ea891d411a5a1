-- What the live counters in Redis have not been told yet (docs/decisions.md, "Live counters").

-- One row per stored batch, written in its transaction: what was newly stored, by type and day. Whoever has told Redis
-- deletes it. Ids are given out before commit, so a row may appear behind others that are gone already.
CREATE TABLE live_updates (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    source     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changes    json NOT NULL,
    CONSTRAINT live_updates_pkey PRIMARY KEY (source, id)
);
-- A queue: rows come and go at the same rate, and its beginning must stay short to read.
ALTER TABLE live_updates SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 10000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000
);

-- The counters of a source are complete only if they were built under this epoch. Whatever makes rows go missing removes
-- it: a writer that writes none, or a backlog that is given up. The next build makes a new one.
CREATE TABLE live_epochs (
    source text NOT NULL,
    epoch  uuid NOT NULL DEFAULT gen_random_uuid(),
    CONSTRAINT live_epochs_pkey PRIMARY KEY (source)
);
