# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""Reads DEAD_LETTERS from its beginning to where it ends now, through a consumer that vanishes afterwards.

Pulls are asked for one after the other, so no more than one of them is in memory, and each is answered at once or given
up: nothing is waited for that can no longer come.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NamedTuple

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from pipeline.errors import StreamUnavailable
from pipeline.stream.connection import StreamConnection
from pipeline.stream.topology import DEAD_LETTERS

_PULL_MESSAGES = 32
_PULL_HEADERS = 1000
_TURN_HEADERS = 100
# Longer than anybody works on the messages of one pull.
_INACTIVE_SECONDS = 300.0


class StoredMessage(NamedTuple):
    """One message as it is stored. `payload` is empty when only headers were asked for."""

    sequence: int
    subject: str
    headers: Mapping[str, str]
    payload: bytes


@contextmanager
def stream_trouble() -> Generator[None]:
    """What NATS raises becomes StreamUnavailable."""
    try:
        yield
    except NotFoundError as error:
        raise StreamUnavailable(
            f"there is no stream {DEAD_LETTERS}: was Sluice ever started here?"
        ) from error
    except TimeoutError:  # nats-py has one of its own, which is a child of this
        raise StreamUnavailable("JetStream did not answer in time") from None
    except (NatsError, OSError) as error:
        raise StreamUnavailable(f"NATS: {str(error) or type(error).__name__}") from error


async def scan(
    connection: StreamConnection, subject: str, *, headers_only: bool = False, since: datetime | None = None
) -> AsyncGenerator[StoredMessage]:
    """The messages of these subjects in the order in which they were stored. Raises StreamUnavailable.

    All of them, or only those that were stored at `since` or later.

    What is stored after the beginning of the scan is not in it, so it may be written to DEAD_LETTERS meanwhile. Close
    the generator when you leave it early.
    """
    with stream_trouble():
        last = (await connection.jetstream.stream_info(DEAD_LETTERS)).state.last_seq
        consumer = await connection.jetstream.add_consumer(
            DEAD_LETTERS,
            ConsumerConfig(
                name=f"scan-{uuid.uuid4().hex}",
                filter_subject=subject,
                ack_policy=AckPolicy.NONE,
                headers_only=headers_only,
                deliver_policy=DeliverPolicy.BY_START_TIME if since else DeliverPolicy.ALL,
                opt_start_time=since,
                inactive_threshold=_INACTIVE_SECONDS,
                mem_storage=True,
                num_replicas=1,
            ),
        )
        arrived: asyncio.Queue[Msg] = asyncio.Queue()

        async def take(message: Msg) -> None:
            arrived.put_nowait(message)

        inbox = connection.client.new_inbox()
        subscription = await connection.client.subscribe(inbox, cb=take)
    size, turn = (_PULL_HEADERS, _TURN_HEADERS) if headers_only else (_PULL_MESSAGES, 1)
    request = json.dumps({"batch": size, "no_wait": True}).encode()
    try:
        while True:
            with stream_trouble():
                await connection.client.publish(
                    f"$JS.API.CONSUMER.MSG.NEXT.{DEAD_LETTERS}.{consumer.name}", request, reply=inbox
                )
            for number in range(size):
                if number % turn == 0:
                    await asyncio.sleep(0)  # others get a turn: to decode one message takes a millisecond
                message = await _next(connection, arrived)
                if not message.reply:
                    _check_end(message)
                    return
                metadata = message.metadata
                sequence = metadata.sequence.stream
                if sequence > last:
                    return
                yield StoredMessage(sequence, message.subject, message.headers or {}, message.data)
                if sequence == last or not metadata.num_pending:
                    return
    finally:
        # Whatever happened here is told by another exception, or does not matter: the server tidies up by itself.
        with suppress(NatsError, OSError, TimeoutError, StreamUnavailable):
            await subscription.unsubscribe()
            await connection.jetstream.delete_consumer(DEAD_LETTERS, consumer.name)


async def _next(connection: StreamConnection, arrived: asyncio.Queue[Msg]) -> Msg:
    if not arrived.empty():
        return arrived.get_nowait()
    with stream_trouble(), connection.answer_expected() as scope:
        async with scope:
            return await arrived.get()


def _check_end(message: Msg) -> None:
    """A message without a reply is how a pull ends. `404` says that nothing is left; anything else is trouble."""
    headers = message.headers or {}
    status = headers.get("Status")
    if status != "404":
        description = headers.get("Description") or "the consumer is gone"
        raise StreamUnavailable(f"JetStream ended the reading of {DEAD_LETTERS}: {status} {description}")
