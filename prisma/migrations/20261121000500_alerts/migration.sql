-- Alerts: what the rules look at, what they know, what they raised, and who has been told.

-- When somebody was first seen, by the time of their actions: how old an account is, as far as we know.
CREATE TABLE social_users (
    user_id    text NOT NULL,
    first_seen timestamptz NOT NULL,
    CONSTRAINT social_users_pkey PRIMARY KEY (user_id)
);
INSERT INTO social_users
SELECT user_id, min(at)
FROM (SELECT user_id, at FROM social_likes
      UNION ALL SELECT user_id, created_at FROM social_posts
      UNION ALL SELECT user_id, created_at FROM social_comments
      UNION ALL SELECT user_id, at FROM social_follows) AS acted
GROUP BY user_id;

-- How often somebody took back their like of a post: once is a change of mind, again and again is a program.
ALTER TABLE social_likes ADD COLUMN unlikes integer NOT NULL DEFAULT 0;

-- News of likes for the evaluator: one row per stored batch, written in its transaction. Its columns are arrays of one
-- length, an element per (post, minute, bucket). `folded`: its figures are in the sums below; the row stays until what
-- follows from it has been judged, so that an evaluator that died in between leaves nothing unjudged.
CREATE TABLE alert_facts (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    folded   boolean NOT NULL DEFAULT false,
    post_ids text[] NOT NULL,
    minutes  integer[] NOT NULL,
    buckets  smallint[] NOT NULL,
    likes    integer[] NOT NULL,
    flips    integer[] NOT NULL,
    newborn  integer[] NOT NULL,
    young    integer[] NOT NULL,
    CONSTRAINT alert_facts_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Likes of a post by minute (minutes since 1970, by the likes' own time) and by bucket: addresses are spread over 16
-- buckets by their hash, -1 holds those that are not known. `flips` are likes taken back by somebody who had taken back
-- a like of this post before; `newborn` and `young` are likes by accounts that were first seen within ten minutes and
-- within a day before. Kept for ALERT_FACTS_HOURS.
CREATE TABLE social_like_minutes (
    post_id text NOT NULL,
    minute  integer NOT NULL,
    bucket  smallint NOT NULL,
    likes   integer NOT NULL,
    flips   integer NOT NULL,
    newborn integer NOT NULL,
    young   integer NOT NULL,
    CONSTRAINT social_like_minutes_pkey PRIMARY KEY (post_id, minute, bucket)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX social_like_minutes_minute_idx ON social_like_minutes (minute);

-- The same of all posts together, by quarters of an hour (since 1970): what is usual here.
CREATE TABLE social_like_quarters (
    quarter integer NOT NULL,
    bucket  smallint NOT NULL,
    likes   bigint NOT NULL,
    newborn bigint NOT NULL,
    young   bigint NOT NULL,
    CONSTRAINT social_like_quarters_pkey PRIMARY KEY (quarter, bucket)
) WITH (fillfactor = 50);

-- Who evaluates at the moment. Without anybody until `wanted_until`, collectors write no more facts: nobody would take
-- them away. A fresh database waits a day for its first evaluator.
CREATE TABLE alert_evaluator (
    only_row     boolean NOT NULL DEFAULT true,
    holder       text NOT NULL DEFAULT '',
    held_until   timestamptz NOT NULL DEFAULT '-infinity',
    wanted_until timestamptz NOT NULL DEFAULT now() + interval '1 day',
    CONSTRAINT alert_evaluator_pkey PRIMARY KEY (only_row),
    CONSTRAINT alert_evaluator_one_row CHECK (only_row)
);
INSERT INTO alert_evaluator DEFAULT VALUES;

-- What is known of a suppression key, `<key>:<subject>`. An alert is raised by whoever changes the version that they
-- read, so two evaluators raise one.
CREATE TABLE alert_states (
    key     text NOT NULL,
    subject text NOT NULL,
    version bigint NOT NULL,
    is_open boolean NOT NULL,
    state   json NOT NULL,
    CONSTRAINT alert_states_pkey PRIMARY KEY (key)
);
CREATE INDEX alert_states_open_idx ON alert_states (key) WHERE is_open;

-- The alerts. `subject` is a post id for FRAUD and MILESTONE, a source for ABSENCE and ERROR_RATE. `opened_at` and
-- `cleared_at` are times of events, `raised_at` is when it was noticed. A milestone is cleared when it opens.
-- To list them, newest first, a page at a time:
--   SELECT id::text, rule, kind, subject, opened_at, cleared_at, raised_at, details
--   FROM alerts WHERE kind = ANY ($1) AND (opened_at, id) < ($2, $3::bigint) ORDER BY opened_at DESC, id DESC LIMIT $4
-- and those that are open: … WHERE cleared_at IS NULL.
CREATE TABLE alerts (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    rule       text NOT NULL,
    kind       text NOT NULL,
    key        text NOT NULL,
    subject    text NOT NULL,
    opened_at  timestamptz NOT NULL,
    cleared_at timestamptz,
    raised_at  timestamptz NOT NULL DEFAULT now(),
    details    json NOT NULL,
    CONSTRAINT alerts_pkey PRIMARY KEY (id),
    CONSTRAINT alerts_kind CHECK (kind IN ('FRAUD', 'MILESTONE', 'ABSENCE', 'ERROR_RATE'))
);
CREATE INDEX alerts_opened_at_idx ON alerts (opened_at, id);
CREATE INDEX alerts_subject_idx ON alerts (subject, opened_at);
CREATE UNIQUE INDEX alerts_open_idx ON alerts (key) WHERE cleared_at IS NULL;

-- Who is to be told of an alert, written with the alert. `status`: waiting, delivered, or dead once it was refused for
-- good or tried too often. `id` stays the same over all attempts, so that a receiver can tell a repetition.
CREATE TABLE alert_deliveries (
    id            uuid NOT NULL DEFAULT gen_random_uuid(),
    alert_id      bigint NOT NULL,
    phase         text NOT NULL,
    channel       text NOT NULL,
    status        text NOT NULL DEFAULT 'waiting',
    attempts      integer NOT NULL DEFAULT 0,
    due_at        timestamptz NOT NULL DEFAULT now(),
    settled_at    timestamptz,
    last_error    text NOT NULL DEFAULT '',
    CONSTRAINT alert_deliveries_pkey PRIMARY KEY (id),
    CONSTRAINT alert_deliveries_alert_fkey FOREIGN KEY (alert_id) REFERENCES alerts (id) ON DELETE CASCADE,
    CONSTRAINT alert_deliveries_phase CHECK (phase IN ('opened', 'cleared')),
    CONSTRAINT alert_deliveries_status CHECK (status IN ('waiting', 'delivered', 'dead'))
);
CREATE INDEX alert_deliveries_waiting_idx ON alert_deliveries (due_at) WHERE status = 'waiting';
CREATE INDEX alert_deliveries_alert_idx ON alert_deliveries (alert_id);
