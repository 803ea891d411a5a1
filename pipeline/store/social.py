"""What social actions change beside the events themselves, in the same statement that stores them.

Everything is derived from `stored`, so an action that the ledger knows changes nothing. Rows are taken in one order by
all writers, so that two of them wait for each other but never in a circle.
"""

from pipeline.store.like_facts import LIKE_FACTS
from pipeline.store.projection import Projection

# Reads `stored` and $3, the writer's shard. `post_changes` is what the live counters are told: likes are negative where
# a mind was changed. Each look into a payload reads all of it, so only what an action has is looked for. Owners are
# looked up one by one, by LIMIT: Postgres takes a batch for smaller than it is, and would read all posts otherwise.
_WRITE = """), actions AS MATERIALIZED (
    SELECT event_id, occurred_at AS at, (occurred_at AT TIME ZONE 'UTC')::date AS day, received_at,
           event_type AS type, user_id,
           CASE WHEN event_type NOT LIKE '%follow' THEN payload #>> '{action,postId}' END AS post_id,
           CASE WHEN event_type LIKE '%follow' THEN payload #>> '{action,targetUserId}' END AS target_user_id,
           CASE WHEN event_type IN ('post', 'comment') THEN payload #>> '{action,text}' END AS text,
           CASE WHEN event_type = 'like' THEN payload ->> 'address' END AS address
    FROM stored
), posted AS (
    INSERT INTO social_posts (post_id, user_id, text, created_at, event_id)
    SELECT DISTINCT ON (post_id) post_id, user_id, text, at, event_id
    FROM actions WHERE type = 'post' ORDER BY post_id, received_at, at, event_id
    ON CONFLICT (post_id) DO NOTHING
    RETURNING post_id, user_id
), commented AS (
    INSERT INTO social_comments (event_id, post_id, user_id, text, created_at)
    SELECT event_id, post_id, user_id, text, at FROM actions WHERE type = 'comment' ORDER BY event_id
    ON CONFLICT DO NOTHING
), liked AS (
    INSERT INTO social_likes AS kept (post_id, user_id, liked, at, event_id, unlikes)
    SELECT post_id, user_id, liked, at, event_id, unlikes
    FROM (SELECT DISTINCT ON (post_id, user_id) post_id, user_id, type = 'like' AS liked, at, event_id,
                 count(*) FILTER (WHERE type = 'unlike') OVER (PARTITION BY post_id, user_id) AS unlikes
          FROM actions WHERE type IN ('like', 'unlike')
          ORDER BY post_id, user_id, at DESC, event_id DESC) AS last_words
    ORDER BY post_id, user_id
    ON CONFLICT (post_id, user_id) DO UPDATE SET
        liked = excluded.liked, at = excluded.at, event_id = excluded.event_id,
        was_liked = kept.liked, was_at = kept.at, unlikes = kept.unlikes + excluded.unlikes
    WHERE (excluded.at, excluded.event_id) > (kept.at, kept.event_id)
    RETURNING post_id, user_id, liked, at, event_id, was_liked, was_at, unlikes
), followed AS (
    INSERT INTO social_follows AS kept (user_id, target_user_id, following, at, event_id)
    SELECT user_id, target_user_id, following, at, event_id
    FROM (SELECT DISTINCT ON (user_id, target_user_id)
                 user_id, target_user_id, type = 'follow' AS following, at, event_id
          FROM actions WHERE type IN ('follow', 'unfollow')
          ORDER BY user_id, target_user_id, at DESC, event_id DESC) AS last_words
    ORDER BY user_id, target_user_id
    ON CONFLICT (user_id, target_user_id) DO UPDATE SET
        following = excluded.following, at = excluded.at, event_id = excluded.event_id,
        was_following = kept.following
    WHERE (excluded.at, excluded.event_id) > (kept.at, kept.event_id)
    RETURNING user_id, target_user_id, following, at, event_id, was_following
), post_changes AS MATERIALIZED (
    SELECT post_id, day, sum(likes) AS likes, sum(comments) AS comments, sum(shares) AS shares
    FROM (
        SELECT post_id, (at AT TIME ZONE 'UTC')::date AS day, 1 AS likes, 0 AS comments, 0 AS shares
        FROM liked WHERE liked
        UNION ALL
        SELECT post_id, (was_at AT TIME ZONE 'UTC')::date, -1, 0, 0 FROM liked WHERE was_liked
        UNION ALL
        SELECT post_id, day, 0, (type = 'comment')::integer, (type = 'share')::integer
        FROM actions WHERE type IN ('comment', 'share')
    ) AS single
    GROUP BY post_id, day
    HAVING sum(likes) <> 0 OR sum(comments) <> 0 OR sum(shares) <> 0
), post_days AS (
    INSERT INTO social_post_days AS kept (post_id, day, shard, likes, comments, shares)
    SELECT post_id, day, $3::integer, likes, comments, shares FROM post_changes ORDER BY post_id, day
    ON CONFLICT (post_id, day, shard) DO UPDATE SET
        likes = kept.likes + excluded.likes,
        comments = kept.comments + excluded.comments,
        shares = kept.shares + excluded.shares
), post_totals AS (
    INSERT INTO social_post_totals AS kept (post_id, month, shard, likes, comments, shares)
    SELECT post_id, period, $3::integer % 16, sum(likes), sum(comments), sum(shares)
    FROM post_changes
    CROSS JOIN LATERAL (VALUES ('-infinity'::date), (date_trunc('month', day)::date)) AS periods(period)
    GROUP BY post_id, period ORDER BY post_id, period
    ON CONFLICT (post_id, month, shard) DO UPDATE SET
        likes = kept.likes + excluded.likes,
        comments = kept.comments + excluded.comments,
        shares = kept.shares + excluded.shares
), reactions AS (
    SELECT post_id FROM liked WHERE liked AND NOT was_liked
    UNION ALL
    SELECT post_id FROM actions WHERE type IN ('comment', 'share')
), owners AS (
    SELECT post_id, user_id FROM posted
    UNION ALL
    SELECT post_id, owner.user_id
    FROM (SELECT post_id FROM reactions EXCEPT SELECT post_id FROM posted) AS others
    CROSS JOIN LATERAL (SELECT user_id FROM social_posts WHERE post_id = others.post_id LIMIT 1) AS owner
), notices AS (
    SELECT 'LIKE' AS type, owners.user_id AS to, liked.user_id AS from, post_id, at, event_id, NULL AS text
    FROM liked JOIN owners USING (post_id) WHERE liked AND NOT was_liked
    UNION ALL
    SELECT upper(type), owners.user_id, actions.user_id, post_id, at, event_id, left(actions.text, 200)
    FROM actions JOIN owners USING (post_id) WHERE type IN ('comment', 'share')
    UNION ALL
    SELECT 'FOLLOW', target_user_id, user_id, NULL, at, event_id, NULL
    FROM followed WHERE following AND NOT was_following
), noticed AS (
    INSERT INTO notification_outbox (writer, body)
    SELECT $3::integer, json_build_object('users', coalesce((
               SELECT json_agg(json_build_object('type', type, 'to', "to", 'from', "from", 'postId', post_id,
                                                 'at', at, 'eventId', event_id, 'text', text))
               FROM notices WHERE "to" <> "from"), '[]'),
           'posts', coalesce((
               SELECT json_agg(json_build_array(post_id, likes, comments, shares))
               FROM (SELECT post_id, sum(likes) AS likes, sum(comments) AS comments, sum(shares) AS shares
                     FROM post_changes GROUP BY post_id) AS per_post), '[]'))
    WHERE EXISTS (SELECT FROM notices) OR EXISTS (SELECT FROM post_changes)
"""

_CHANGED_FACTS = """, 'posts', coalesce((
        SELECT json_agg(json_build_array(post_id, to_char(day, 'YYYYMMDD'), likes, comments, shares))
        FROM post_changes), '[]')"""

# The primary key is read in its order, from where the last piece ended: each piece costs what it holds.
_TOTAL_FACTS = """
WITH bounds AS (
    SELECT max(post_id) AS last
    FROM (SELECT DISTINCT post_id FROM social_post_days WHERE post_id > $1 ORDER BY post_id LIMIT $2::integer) AS posts
)
SELECT (SELECT last FROM bounds) AS last, json_build_object('posts', coalesce((
    SELECT json_agg(json_build_array(post_id, to_char(day, 'YYYYMMDD'), likes, comments, shares))
    FROM (SELECT post_id, day, sum(likes) AS likes, sum(comments) AS comments, sum(shares) AS shares
          FROM social_post_days
          WHERE post_id > $1 AND post_id <= (SELECT last FROM bounds)
          GROUP BY post_id, day) AS per_day
    WHERE likes <> 0 OR comments <> 0 OR shares <> 0), '[]'))::text AS changes
"""

SOCIAL = Projection(
    columns=", event_id, received_at, payload",
    write=_WRITE + LIKE_FACTS,
    changed_facts=_CHANGED_FACTS,
    total_facts=_TOTAL_FACTS,
    notifies=True,
    has_audience=False,
)
