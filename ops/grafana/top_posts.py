"""The ten posts with the most likes of a month, as a statement for Grafana.

A month may have a hundred thousand posts with a like, in rows of up to 16 shards, so not all of them are summed. The
rows of a shard are indexed by the magnitude of their likes. The largest of each shard give ten posts, and with them a
bound: whoever is to be among the best ten has as many likes as the last of those, so a row with a sixteenth of that.
"""

from typing import LiteralString

TOP_POSTS: LiteralString = """
WITH shown AS (
    SELECT date_trunc('month', $__timeTo()::timestamptz AT TIME ZONE 'UTC')::date AS month
), shards AS (
    SELECT shown.month, shard FROM shown CROSS JOIN generate_series(0, 15) AS numbers(shard)
), bound AS (
    SELECT coalesce(min(likes), 1) AS likes
    FROM (
        SELECT sums.likes
        FROM (
            SELECT DISTINCT shards.month, largest.post_id
            FROM shards CROSS JOIN LATERAL (
                SELECT post_id FROM social_post_totals AS kept
                WHERE kept.month = shards.month AND kept.shard = shards.shard
                ORDER BY magnitude DESC LIMIT 10
            ) AS largest
        ) AS foremost CROSS JOIN LATERAL (
            SELECT sum(likes) AS likes FROM social_post_totals AS kept
            WHERE kept.post_id = foremost.post_id AND kept.month = foremost.month
        ) AS sums
        WHERE sums.likes > 0
        ORDER BY sums.likes DESC LIMIT 10
    ) AS ten
), best AS (
    SELECT candidates.post_id, sums.*
    FROM (
        SELECT DISTINCT shards.month, large.post_id
        FROM shards CROSS JOIN LATERAL (
            SELECT post_id FROM social_post_totals AS kept
            WHERE kept.month = shards.month AND kept.shard = shards.shard
              AND kept.magnitude >= (SELECT social_magnitude(greatest(1, ceil(likes / 16))::bigint) FROM bound)
        ) AS large
    ) AS candidates CROSS JOIN LATERAL (
        SELECT sum(likes) AS likes, sum(comments) AS comments, sum(shares) AS shares FROM social_post_totals AS kept
        WHERE kept.post_id = candidates.post_id AND kept.month = candidates.month
    ) AS sums
    WHERE sums.likes > 0
    ORDER BY sums.likes DESC, candidates.post_id LIMIT 10
)
SELECT row_number() OVER (ORDER BY best.likes DESC, post_id) AS "Rank", post_id AS "Post", posts.user_id AS "Author",
       best.likes::bigint AS "Likes", best.comments::bigint AS "Comments", best.shares::bigint AS "Shares",
       posts.created_at AS "Since"
FROM best LEFT JOIN social_posts AS posts USING (post_id)
ORDER BY 1
"""
