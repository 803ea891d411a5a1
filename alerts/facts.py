"""What collectors tell of likes: folded into sums once each, and looked at until it has been judged."""

from collections.abc import Sequence

import msgspec

from alerts.series import QUARTER_MINUTES, Counts, Series, Usual, row, series_of
from pipeline.store import Database

# A row that is being folded by another evaluator is left alone; one that is folded stays until `settle`. Likes of the
# future are taken for likes of now: a clock that is ahead must not hide them until then.
_FOLD = """
WITH taken AS (
    UPDATE alert_facts SET folded = true
    WHERE id = ANY (ARRAY(
        SELECT id FROM alert_facts WHERE NOT folded ORDER BY id LIMIT $1::integer FOR UPDATE SKIP LOCKED))
    RETURNING post_ids, minutes, buckets, likes, flips, newborn, young
), single AS (
    SELECT fact.post_id, least(fact.minute, $3::integer) AS minute, fact.bucket, fact.likes, fact.flips, fact.newborn,
           fact.young
    FROM taken CROSS JOIN unnest(post_ids, minutes, buckets, likes, flips, newborn, young)
        AS fact(post_id, minute, bucket, likes, flips, newborn, young)
), summed AS MATERIALIZED (
    SELECT post_id, minute, bucket, sum(likes)::integer AS likes, sum(flips)::integer AS flips,
           sum(newborn)::integer AS newborn, sum(young)::integer AS young
    FROM single GROUP BY 1, 2, 3
), by_minute AS (
    INSERT INTO social_like_minutes AS kept (post_id, minute, bucket, likes, flips, newborn, young)
    SELECT * FROM summed WHERE minute >= $2::integer ORDER BY post_id, minute, bucket
    ON CONFLICT (post_id, minute, bucket) DO UPDATE SET
        likes = kept.likes + excluded.likes, flips = kept.flips + excluded.flips,
        newborn = kept.newborn + excluded.newborn, young = kept.young + excluded.young
), by_quarter AS (
    INSERT INTO social_like_quarters AS kept (quarter, bucket, likes, newborn, young)
    SELECT minute / $4::integer, bucket, sum(likes), sum(newborn), sum(young)
    FROM summed WHERE minute >= $2::integer GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (quarter, bucket) DO UPDATE SET
        likes = kept.likes + excluded.likes, newborn = kept.newborn + excluded.newborn,
        young = kept.young + excluded.young
)
SELECT (SELECT count(*) FROM taken)::integer AS batches,
       coalesce((SELECT sum(likes) FROM summed WHERE minute < $2::integer), 0)::integer AS late
"""

# A post is notable when it has had enough likes, or flips, for any rule in any window that has changed.
_PENDING = """
WITH pending AS MATERIALIZED (
    SELECT id, post_ids, minutes FROM alert_facts WHERE folded ORDER BY id LIMIT $1::integer
), changed AS MATERIALIZED (
    SELECT fact.post_id, min(least(fact.minute, $3::integer)) AS first, max(least(fact.minute, $3::integer)) AS last
    FROM pending CROSS JOIN unnest(post_ids, minutes) AS fact(post_id, minute)
    WHERE fact.minute >= $2::integer
    GROUP BY fact.post_id
), notable AS (
    SELECT post_id, first, last FROM changed
    WHERE EXISTS (SELECT FROM social_like_minutes AS kept
                  WHERE kept.post_id = changed.post_id AND kept.minute > changed.first - $4::integer
                  HAVING sum(likes) >= $5::integer OR sum(flips) >= $6::integer)
)
SELECT json_build_object(
    'facts', coalesce((SELECT json_agg(id) FROM pending), '[]'),
    'posts', coalesce((SELECT json_agg(json_build_array(post_id, first, last) ORDER BY post_id) FROM notable), '[]')
)::text AS answer
"""

_SETTLE = "DELETE FROM alert_facts WHERE folded AND id = ANY ($1::text::bigint[])"

_SERIES = """
SELECT coalesce(json_agg(json_build_array(post_id, minute, likes, flips, newborn, young, bucket)), '[]')::text AS answer
FROM social_like_minutes
WHERE post_id IN (SELECT json_array_elements_text($1::text::json)) AND minute >= $2::integer
"""

_QUARTERS = """
SELECT coalesce(json_agg(json_build_array(quarter, likes, newborn, young, bucket)), '[]')::text AS answer
FROM social_like_quarters WHERE quarter >= $1::integer
"""

_PRUNE_MINUTES = """
DELETE FROM social_like_minutes WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM social_like_minutes WHERE minute < $1::integer LIMIT $2::integer))
"""
_PRUNE_QUARTERS = "DELETE FROM social_like_quarters WHERE quarter < $1::integer"

BATCHES_AT_ONCE = 200
"""A turn folds, and judges, so many batches of facts at most: they are some seconds of a busy feed."""
_PRUNED_ROWS = 5000


class ChangedPost(msgspec.Struct, frozen=True, array_like=True):
    """A post whose figures have changed in some of these minutes."""

    post_id: str
    first: int
    last: int


class Pending(msgspec.Struct, frozen=True):
    """Facts that are folded and not judged yet, by their ids, and the posts that are worth a look because of them."""

    facts: list[int]
    posts: list[ChangedPost]


class Facts:
    """The sums of likes by post and minute. All of it raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fold(self, oldest: int, now: int) -> tuple[int, int]:
        """Adds the next batches to the sums. Returns how many, and how many likes in them are older than `oldest`."""
        [found] = await self._database.query(_FOLD, BATCHES_AT_ONCE, oldest, now, QUARTER_MINUTES)
        return int(found["batches"]), int(found["late"])

    async def pending(
        self, oldest: int, now: int, longest_window: int, least_likes: int, least_flips: int
    ) -> Pending:
        """What is to be judged now."""
        [found] = await self._database.query(
            _PENDING, BATCHES_AT_ONCE, oldest, now, longest_window, least_likes, least_flips
        )
        return msgspec.json.decode(found["answer"], type=Pending)

    async def settle(self, facts: Sequence[int]) -> None:
        """They have been judged."""
        await self._database.execute(_SETTLE, ids_of(facts))

    async def series(self, posts: Sequence[str], first: int, last: int) -> dict[str, Series]:
        """The figures of posts between two minutes. One of which nothing is known has a series of zeros."""
        names = msgspec.json.encode(posts).decode()
        [found] = await self._database.query(_SERIES, names, first)
        rows: dict[str, list[tuple[int, Counts]]] = {post: [] for post in posts}
        for post, minute, likes, flips, newborn, young, bucket in msgspec.json.decode(
            found["answer"], type=_Rows
        ):
            rows[post].append((minute, row(likes, flips, newborn, young, bucket)))
        return {post: series_of(first, last, figures) for post, figures in rows.items()}

    async def usual(self, first: int, last: int, minutes: int) -> Usual:
        """What is usual over so many minutes, for any minute between the two."""
        quarters = (first - minutes) // QUARTER_MINUTES, last // QUARTER_MINUTES
        [found] = await self._database.query(_QUARTERS, quarters[0])
        rows = [
            (quarter, row(likes, 0, newborn, young, bucket))
            for quarter, likes, newborn, young, bucket in msgspec.json.decode(found["answer"], type=_Quarters)
        ]
        return Usual(series_of(*quarters, rows), minutes)

    async def prune(self, oldest: int) -> None:
        """Removes what is older, in slices that nobody waits for."""
        while await self._database.execute(_PRUNE_MINUTES, oldest, _PRUNED_ROWS) == _PRUNED_ROWS:
            pass
        await self._database.execute(_PRUNE_QUARTERS, oldest // QUARTER_MINUTES)


_Rows = list[tuple[str, int, int, int, int, int, int]]
_Quarters = list[tuple[int, int, int, int, int]]


def ids_of(ids: Sequence[int]) -> str:
    """As Postgres writes an array."""
    return "{" + ",".join(map(str, ids)) + "}"
