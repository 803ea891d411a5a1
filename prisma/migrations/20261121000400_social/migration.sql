-- What social actions make: posts, comments, who likes what and who follows whom, and their sums by day.
-- Likes, follows and sums are order-free: whatever order the same actions come in, the same rows are left.

-- The first `post` of an id that arrives makes it: by its own time anybody could claim to have been earlier, and be told
-- what others think of the post. Likes and comments may come before it.
CREATE TABLE social_posts (
    post_id    text NOT NULL,
    user_id    text NOT NULL,
    text       text,
    created_at timestamptz NOT NULL,
    event_id   text NOT NULL,
    CONSTRAINT social_posts_pkey PRIMARY KEY (post_id)
);
CREATE INDEX social_posts_user_id_idx ON social_posts (user_id, created_at);

CREATE TABLE social_comments (
    event_id   text NOT NULL,
    post_id    text NOT NULL,
    user_id    text NOT NULL,
    text       text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT social_comments_pkey PRIMARY KEY (event_id)
);
CREATE INDEX social_comments_post_id_idx ON social_comments (post_id, created_at);

-- The last word of a user on a post, by the action's own time; the greater event id where two have the same time.
-- `was_` is what the row said before its last change: what that change did to the sums.
CREATE TABLE social_likes (
    post_id   text NOT NULL,
    user_id   text NOT NULL,
    liked     boolean NOT NULL,
    at        timestamptz NOT NULL,
    event_id  text NOT NULL,
    was_liked boolean NOT NULL DEFAULT false,
    was_at    timestamptz,
    CONSTRAINT social_likes_pkey PRIMARY KEY (post_id, user_id)
) WITH (fillfactor = 85); -- a change of mind finds room on its page

CREATE TABLE social_follows (
    user_id        text NOT NULL,
    target_user_id text NOT NULL,
    following      boolean NOT NULL,
    at             timestamptz NOT NULL,
    event_id       text NOT NULL,
    was_following  boolean NOT NULL DEFAULT false,
    CONSTRAINT social_follows_pkey PRIMARY KEY (user_id, target_user_id)
);
CREATE INDEX social_follows_target_idx ON social_follows (target_user_id) WHERE following;

-- Sums of a post by day of UTC. A like counts on the day of the last word, for as long as that is "like": the sum over
-- all days is the number of people who like the post now. `shard` tells the writers apart.
CREATE TABLE social_post_days (
    post_id  text NOT NULL,
    day      date NOT NULL,
    shard    integer NOT NULL,
    likes    bigint NOT NULL,
    comments bigint NOT NULL,
    shares   bigint NOT NULL,
    CONSTRAINT social_post_days_pkey PRIMARY KEY (post_id, day, shard)
) WITH (fillfactor = 85);
CREATE INDEX social_post_days_day_idx ON social_post_days (day);

-- What people are to be told, written in the transaction that it tells of; whoever has published a row deletes it.
-- `writer` is the number of the collector that wrote it, and publishes it.
CREATE TABLE notification_outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL DEFAULT now(),
    writer     integer NOT NULL,
    body       json NOT NULL,
    CONSTRAINT notification_outbox_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
