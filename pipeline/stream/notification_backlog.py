# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""What somebody has missed: the messages of some subjects, from one sequence to another, in order.

It is read without a consumer, in batches that any replica answers. A replica may be a moment behind and not know the
last ones yet, so the stream's leader is asked for the next message before a batch, and says at the end that there is
none.
"""

import asyncio
import heapq
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, suppress

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from pipeline.errors import StreamUnavailable
from pipeline.stream.connection import StreamConnection
from pipeline.stream.notification_feed import StoredNotice
from pipeline.stream.topology import NOTIFICATIONS

_BATCH_MESSAGES = 64
_BATCH_BYTES = 256 * 1024
_NOTHING_FOUND = "404"
_END_OF_BATCH = "204"


async def read_missed(
    connection: StreamConnection, subjects: Sequence[str], after: int, up_to: int
) -> AsyncGenerator[StoredNotice]:
    """All messages of these subjects after one sequence, up to another and with it, as far as they are still there.

    Raises StreamUnavailable. Close the generator when you leave it early.
    """
    async with AsyncExitStack() as readers:
        merged: list[tuple[StoredNotice, AsyncGenerator[StoredNotice]]] = []
        for subject in sorted(set(subjects)):
            reader = await readers.enter_async_context(
                aclosing(_of_subject(connection, subject, after, up_to))
            )
            if (notice := await anext(reader, None)) is not None:
                # No two have the same sequence, so nothing but it is ever compared.
                heapq.heappush(merged, (notice, reader))
        while merged:
            notice, reader = merged[0]
            yield notice
            if (following := await anext(reader, None)) is not None:
                heapq.heapreplace(merged, (following, reader))
            else:
                heapq.heappop(merged)


async def _of_subject(
    connection: StreamConnection, subject: str, after: int, up_to: int
) -> AsyncGenerator[StoredNotice]:
    while after < up_to:
        found = [notice] if (notice := await _next(connection, subject, after + 1)) else []
        if found and found[0].sequence < up_to:
            found += await _batch(connection, subject, found[0].sequence + 1)
        for notice in found:
            if notice.sequence > up_to:
                return
            yield notice
            after = notice.sequence
        if not found:
            return


async def _next(connection: StreamConnection, subject: str, start: int) -> StoredNotice | None:
    """The first message of a subject at or after a sequence, as the stream's leader knows it."""
    try:
        found = await connection.jetstream.get_msg(NOTIFICATIONS, seq=start, subject=subject, next=True)
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as error:
        raise StreamUnavailable(f"NATS: {str(error) or type(error).__name__}") from error
    return StoredNotice(found.seq or 0, subject, found.data or b"")


async def _batch(connection: StreamConnection, subject: str, start: int) -> list[StoredNotice]:
    """Messages of a subject from a sequence on, the next ones without a hole; perhaps not all that there are."""
    found: list[StoredNotice] = []
    end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def take(message: Msg) -> None:
        headers = message.headers or {}
        if "Nats-Sequence" in headers:
            found.append(StoredNotice(int(headers["Nats-Sequence"]), subject, message.data))
        elif not end.done():
            end.set_result(headers.get("Status", ""))

    request = {"seq": start, "next_by_subj": subject, "batch": _BATCH_MESSAGES, "max_bytes": _BATCH_BYTES}
    client = connection.client
    try:
        subscription = await client.subscribe(client.new_inbox(), cb=take)
        try:
            await client.publish(
                f"$JS.API.DIRECT.GET.{NOTIFICATIONS}",
                json.dumps(request).encode(),
                reply=subscription.subject,
            )
            with connection.answer_expected() as scope:
                async with scope:
                    status = await end
        finally:
            with suppress(NatsError):
                await subscription.unsubscribe()
    except TimeoutError:
        raise StreamUnavailable("JetStream did not answer in time") from None
    except NatsError as error:
        raise StreamUnavailable(f"NATS: {str(error) or type(error).__name__}") from error
    if status not in (_END_OF_BATCH, _NOTHING_FOUND):
        raise StreamUnavailable(f"JetStream ended the reading of {NOTIFICATIONS}: {status}")
    return found
