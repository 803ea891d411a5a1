"""What people are to be told and nobody has published yet: rows that the statement writes that they tell of.

A row belongs to the collector that wrote it: no two publish the same, and none of them has to say in Postgres that it
does. What has waited for some seconds is anybody's, because its collector is gone or behind. Two that publish the same
row all the same do no harm: each row has one message id.
"""

from collections.abc import Sequence

import msgspec

from pipeline.store.database import Database

_ORPHANED_AFTER_SECONDS = 3.0

# Rows are published before they are deleted, and deleted by the statement that reads the next ones.
_SETTLE = """
WITH told AS (
    DELETE FROM notification_outbox WHERE id = ANY ($1::text::bigint[])
)
SELECT coalesce(json_agg(json_build_object('id', id, 'made', made, 'body', body) ORDER BY id), '[]')::text AS answer
FROM (SELECT id, to_char(created_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') AS made, body
      FROM notification_outbox
      WHERE id <> ALL ($1::text::bigint[])
            AND (writer = $2::integer OR created_at < now() - make_interval(secs => $3::double precision))
      ORDER BY id LIMIT $4::integer) AS next
"""


class UserNotice(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Somebody did something that concerns somebody else. `type` is LIKE, COMMENT, SHARE or FOLLOW."""

    type: str
    to: str
    by: str = msgspec.field(name="from")
    at: str
    event_id: str
    post_id: str | None = None
    text: str | None = None


class OutboxBody(msgspec.Struct, frozen=True):
    """Of one transaction. `posts` are (post, likes, comments, shares): how many more of each."""

    users: list[UserNotice] = []
    posts: list[tuple[str, int, int, int]] = []


class OutboxRow(msgspec.Struct, frozen=True):
    """What one transaction tells. `made` is when, as digits: with it an id is like no other, of no other database."""

    id: int
    made: str
    body: OutboxBody

    @property
    def message_id(self) -> str:
        """The same however often the row is published."""
        return f"outbox-{self.id}-{self.made}"


class NotificationOutbox:
    """The rows of one collector, and those that are left by others. `writer` is the number that its store has drawn."""

    def __init__(self, database: Database, writer: int) -> None:
        self._database = database
        self._writer = writer

    async def settle(self, published: Sequence[int], limit: int) -> list[OutboxRow]:
        """Deletes the rows that were published, and returns the next ones, oldest first. Raises StoreUnavailable."""
        ids = "{" + ",".join(map(str, published)) + "}"
        [row] = await self._database.query(_SETTLE, ids, self._writer, _ORPHANED_AFTER_SECONDS, limit)
        return msgspec.json.decode(row["answer"], type=list[OutboxRow])
