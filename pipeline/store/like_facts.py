"""What alert rules are to know of likes, in the statement that stores them (see `social.py`, which it is a part of).

A like counts here once for each user and post, in the minute of the like: who takes a like back and likes again makes
a flip, not another like. How old an account is follows from its first action that is known, by the time of the actions.
"""

from typing import LiteralString

# Reads `actions` and `liked`. One row of arrays per batch and no table of sums: the evaluator folds the rows of many
# batches at once, so the collector pays for one insert, and writers never wait for each other's sums. Users are looked
# up one by one, by LIMIT, for the reason that `social.py` gives.
LIKE_FACTS: LiteralString = """), people AS MATERIALIZED (
    SELECT user_id, min(at) AS at FROM actions GROUP BY user_id
), known AS MATERIALIZED (
    SELECT people.user_id, least(kept.first_seen, people.at) AS first_seen,
           people.at < coalesce(kept.first_seen, 'infinity') AS is_news
    FROM people LEFT JOIN LATERAL (
        SELECT first_seen FROM social_users WHERE user_id = people.user_id LIMIT 1) AS kept ON true
), users AS (
    INSERT INTO social_users AS kept (user_id, first_seen)
    SELECT user_id, first_seen FROM known WHERE is_news ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE SET first_seen = excluded.first_seen WHERE excluded.first_seen < kept.first_seen
), taken_back AS (
    SELECT post_id, user_id, count(*) AS times FROM actions WHERE type = 'unlike' GROUP BY post_id, user_id
), single_like_facts AS (
    SELECT liked.post_id, liked.at, CASE WHEN address <> '' THEN hashtext(address) & 15 ELSE -1 END AS bucket,
           1 AS likes, 0 AS flips, (liked.at - first_seen < interval '10 minutes')::integer AS newborn,
           (liked.at - first_seen < interval '1 day')::integer AS young
    FROM liked JOIN actions USING (event_id) JOIN known ON known.user_id = liked.user_id
    WHERE liked AND NOT was_liked AND unlikes = 0
    UNION ALL
    SELECT liked.post_id, liked.at, -1, 0, least(times, unlikes - 1), 0, 0
    FROM liked JOIN taken_back USING (post_id, user_id)
    WHERE unlikes > 1
), like_facts AS (
    SELECT post_id, floor(extract(epoch FROM at) / 60)::integer AS minute, bucket::smallint AS bucket,
           sum(likes)::integer AS likes, sum(flips)::integer AS flips, sum(newborn)::integer AS newborn,
           sum(young)::integer AS young
    FROM single_like_facts
    GROUP BY 1, 2, 3
), alert_news AS (
    INSERT INTO alert_facts (post_ids, minutes, buckets, likes, flips, newborn, young)
    SELECT array_agg(post_id), array_agg(minute), array_agg(bucket), array_agg(likes), array_agg(flips),
           array_agg(newborn), array_agg(young)
    FROM like_facts
    WHERE (SELECT wanted_until > now() FROM alert_evaluator)
    HAVING count(*) > 0
"""
