-- Which posts have the most likes, found without summing all of them.

-- How many binary digits a number of likes has, 0 for less than one: changes so seldom that an index over it costs writers
-- nearly nothing, while an index over the likes themselves would have to follow each of them.
CREATE FUNCTION social_magnitude(likes bigint) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN width_bucket(likes, ARRAY[
        1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576,
        2097152, 4194304, 8388608, 16777216, 33554432, 67108864, 134217728, 268435456, 536870912, 1073741824]::bigint[]);

ALTER TABLE social_post_days
    ADD COLUMN magnitude smallint NOT NULL GENERATED ALWAYS AS (social_magnitude(likes)) STORED;
DROP INDEX social_post_days_day_idx;
CREATE INDEX social_post_days_top_idx ON social_post_days (day, shard, magnitude);

-- The same sums by month of UTC, named by its first day, and of all time, where `month` is -infinity. There are few shards
-- here: these rows stay, and each collector that ever ran would leave one of its own for each post.
CREATE TABLE social_post_totals (
    post_id   text NOT NULL,
    month     date NOT NULL,
    shard     integer NOT NULL,
    likes     bigint NOT NULL,
    comments  bigint NOT NULL,
    shares    bigint NOT NULL,
    magnitude smallint NOT NULL GENERATED ALWAYS AS (social_magnitude(likes)) STORED,
    CONSTRAINT social_post_totals_pkey PRIMARY KEY (post_id, month, shard)
) WITH (fillfactor = 85);
INSERT INTO social_post_totals (post_id, month, shard, likes, comments, shares)
SELECT post_id, period, shard % 16, sum(likes), sum(comments), sum(shares)
FROM social_post_days CROSS JOIN LATERAL (VALUES ('-infinity'::date), (date_trunc('month', day)::date)) AS periods(period)
GROUP BY 1, 2, 3;
CREATE INDEX social_post_totals_top_idx ON social_post_totals (month, shard, magnitude);
