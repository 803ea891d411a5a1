"""Publishing what people are told: to users, and to topics that anybody may follow.

What belongs together is published as one atomic batch (nats-server 2.12 or newer): it is there all at once or not at
all, and it costs one write to disk, however many people are told (docs/decisions.md has the measurement). A batch has
one message id, so publishing it again within the stream's window of ten minutes changes nothing.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from pipeline.chassis import tracing
from pipeline.errors import StreamUnavailable
from pipeline.stream.connection import StreamConnection
from pipeline.stream.topology import topic_subject, user_subject

_BATCH_MESSAGES = 500
"""The server takes 1,000 at most."""
_ALREADY_THERE = 10201
# Without the subject: it names a user.
_DESCRIBED = {
    "messaging.system": "nats",
    "messaging.operation.name": "publish",
    "messaging.operation.type": "send",
    "messaging.destination.name": "notifications",
}
_RESERVED = ("type", "id", "topic")


class Notice(NamedTuple):
    """A message to one user or topic. `body` is a JSON object; see `encode_body`."""

    subject: str
    body: bytes


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The JSON of what a client is told. It has a `kind`, such as `LIKE`; `type`, `id` and `topic` come on the way.

    Raises ValueError when it has no `kind`, or one of those.
    """
    if "kind" not in body or any(name in body for name in _RESERVED):
        raise ValueError(f"a notification has a kind, and none of {', '.join(_RESERVED)} of its own")
    return msgspec.json.encode(body)


class NotificationPublisher:
    """Publishes to NOTIFICATIONS. Returns when JetStream has it on disk; raises StreamUnavailable otherwise.

    After StreamUnavailable it may be there all the same: publish it again with the same message id.
    """

    def __init__(self, connection: StreamConnection) -> None:
        self._connection = connection

    async def publish(
        self,
        *,
        to_users: Iterable[str] = (),
        topics: Iterable[str] = (),
        body: Mapping[str, Any],
        message_id: str,
    ) -> None:
        """Tells all of them the same, once for each `message_id`. Raises ValueError as `encode_body`."""
        encoded = encode_body(body)
        subjects = [*map(user_subject, to_users), *map(topic_subject, topics)]
        await self.publish_all([Notice(subject, encoded) for subject in subjects], message_id)

    async def publish_all(self, notices: Sequence[Notice], message_id: str) -> None:
        """Publishes them in this order. The same id must always stand for the same notices."""
        for number, start in enumerate(range(0, len(notices), _BATCH_MESSAGES)):
            await self._publish_batch(notices[start : start + _BATCH_MESSAGES], f"{message_id}-{number}")

    async def _publish_batch(self, notices: Sequence[Notice], message_id: str) -> None:
        with tracing.child("publish notifications", "producer", _DESCRIBED) as span:
            if span is not None:
                span.describe({"messaging.batch.message_count": len(notices)})
            await self._send(notices, message_id, span.context.headers() if span is not None else {})

    async def _send(self, notices: Sequence[Notice], message_id: str, traced: Mapping[str, str]) -> None:
        batch_id = uuid.uuid4().hex
        *others, last = (
            (notice, {**traced, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)})
            for number, notice in enumerate(notices, start=1)
        )
        # On any one of them it makes the server refuse the whole batch when it is there already.
        (others or [last])[0][1]["Nats-Msg-Id"] = message_id
        last[1]["Nats-Batch-Commit"] = "1"
        try:
            with self._connection.answer_expected() as scope:
                async with scope:
                    client = self._connection.client
                    for notice, headers in others:
                        await client.publish(notice.subject, notice.body, headers=headers)
                    # The scope is the timeout; the client's own only has to be longer.
                    answer = await client.request(last[0].subject, last[0].body, timeout=60, headers=last[1])
        except TimeoutError:
            raise StreamUnavailable("JetStream did not acknowledge in time") from None
        except NoRespondersError:
            raise StreamUnavailable("JetStream has no stream for notifications") from None
        except NatsError as error:
            raise StreamUnavailable(f"NATS: {error}") from error
        refusal = json.loads(answer.data).get("error")
        if refusal and refusal.get("err_code") != _ALREADY_THERE:
            raise StreamUnavailable(f"JetStream refused: {refusal.get('description', refusal)}")
