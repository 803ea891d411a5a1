-- Which canary of each sender came through the pipeline last (docs/operations.md, "Canary"). A row per source and sender:
-- it is overwritten with every canary, and goes an hour after its sender has fallen silent.

-- `number` counts the canaries of one sender, so that an old one that is delivered again changes nothing. `sent_at` is when
-- the gateway took it in, by the gateway's clock, and never of the future.
CREATE TABLE pipeline_canaries (
    source    text NOT NULL,
    sender    text NOT NULL,
    number    bigint NOT NULL,
    sent_at   timestamptz NOT NULL,
    stored_at timestamptz NOT NULL,
    CONSTRAINT pipeline_canaries_pkey PRIMARY KEY (source, sender)
) WITH (fillfactor = 50); -- a canary finds room on its page
