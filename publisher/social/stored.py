"""Reads back which actions of a run are stored."""

from publisher.social.action import instant
from publisher.social.ledger import StoredAction
from publisher.stored import Queryable, iso_instant

_PAGE = 5_000

# The user names of a run begin alike, and nobody else's do. A page begins after the last row of the one before it.
_ACTIONS = """
SELECT event_id, event_type AS kind, user_id AS user,
       coalesce(payload #>> '{action,postId}', payload #>> '{action,targetUserId}', '') AS subject,
       payload #>> '{action,text}' AS text, coalesce(payload #>> '{action,id}', '') AS action_id,
       round(extract(epoch FROM occurred_at) * 1000000)::bigint::text AS at_us
FROM events
WHERE occurred_at >= $1::timestamptz AND occurred_at < $2::timestamptz
  AND (occurred_at, event_id) > ($1::timestamptz, $3)
  AND source = 'social' AND starts_with(user_id, $4)
ORDER BY occurred_at, event_id
LIMIT $5::integer
"""


async def read_actions(
    database: Queryable, user_prefix: str, start_ms: int, end_ms: int
) -> list[StoredAction]:
    """Those of users with such names that happened in [start_ms, end_ms)."""
    found: list[StoredAction] = []
    after_us, after_id = start_ms * 1000, ""
    while True:
        rows = await database.query(
            _ACTIONS, instant(after_us), iso_instant(end_ms), after_id, user_prefix, _PAGE
        )
        found += [
            StoredAction(
                row["kind"], row["user"], row["subject"], int(row["at_us"]), row["text"], row["action_id"]
            )
            for row in rows
        ]
        if len(rows) < _PAGE:
            return found
        after_us, after_id = int(rows[-1]["at_us"]), rows[-1]["event_id"]
