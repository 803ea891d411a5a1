# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""Whole streams as bytes and back, by JetStream's own snapshots: what `nats stream backup` uses.

The server sends a stream in chunks and waits while too many of them are not acknowledged, so that neither side holds
more than some megabytes of it, however large the stream is. Sequence numbers and times of messages stay as they are.
Consumers are left out: whoever needs one makes it anew, and is then given all that the stream holds. A consumer that
came from a moment later than the messages would pass over some of them for ever.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from pipeline.errors import PermanentError, StreamUnavailable
from pipeline.stream.connection import StreamConnection
from pipeline.stream.topology import DEAD_LETTERS, EVENTS, NOTIFICATIONS

SNAPSHOT_STREAMS = (EVENTS, DEAD_LETTERS, NOTIFICATIONS)
"""All that there are."""

CHUNK_BYTES = 128 * 1024
_WINDOW_BYTES = 4 * 1024**2
_SILENCE_SECONDS = 30.0
"""Between two chunks, while the server reads the next one from its disk."""
_PUT_BACK_SECONDS = 600.0
"""After the last chunk the server reads the whole stream and makes its indexes."""
_LAST_CHUNK = ("", "204")


class SnapshotRefused(PermanentError):
    """JetStream did not send a stream, or did not take it back. The message says which and why."""


class StreamSnapshot(msgspec.Struct, frozen=True):
    """What JetStream says of a stream with its bytes: how it is configured, and what it held when they were begun."""

    config: dict[str, Any]
    state: dict[str, Any]

    @property
    def messages(self) -> int:
        """How many were there at the beginning. While collectors are at work fewer may be among the bytes."""
        return int(self.state["messages"])


class _Answer(msgspec.Struct, frozen=True):
    config: dict[str, Any] = {}
    state: dict[str, Any] = {}
    deliver_subject: str = ""
    error: dict[str, Any] | None = None


async def count_messages(connection: StreamConnection, stream: str) -> int | None:
    """How many messages a stream holds; None when there is no such stream. Raises StreamUnavailable."""
    try:
        return (await connection.jetstream.stream_info(stream)).state.messages
    except NotFoundError:
        return None
    except (NatsError, TimeoutError) as error:
        raise _away(error) from error


async def take_snapshot(
    connection: StreamConnection, stream: str, write: Callable[[bytes], object]
) -> StreamSnapshot:
    """Hands the bytes of a stream to `write`, chunk by chunk, while everybody else goes on using it.

    Whatever the stream holds when this is called and nobody takes out of it meanwhile is among them. Raises
    SnapshotRefused (there is no such stream, a chunk was lost), StreamUnavailable.
    """
    client = connection.client
    inbox = client.new_inbox()
    try:
        chunks = await client.subscribe(inbox)
        try:
            request = {
                "deliver_subject": inbox,
                "no_consumers": True,
                "chunk_size": CHUNK_BYTES,
                "window_size": _WINDOW_BYTES,
            }
            answer = await _ask(client, f"$JS.API.STREAM.SNAPSHOT.{stream}", request, stream)
            number = 0
            while chunk := (message := await chunks.next_msg(timeout=_SILENCE_SECONDS)).data:
                number += 1
                # The last chunk that is not full has no address for its acknowledgement.
                if message.reply:
                    if message.reply.rpartition(".")[2] != str(number):
                        raise SnapshotRefused(f"the stream {stream}: a part of its bytes was lost on the way")
                    await client.publish(message.reply, b"")
                write(chunk)
        finally:
            await chunks.unsubscribe()
    except (NatsError, TimeoutError) as error:
        raise _away(error) from error
    if (status := _status(message)) not in _LAST_CHUNK:
        raise SnapshotRefused(f"the stream {stream}: NATS broke off ({status})")
    return StreamSnapshot(answer.config, answer.state)


async def put_back(
    connection: StreamConnection, stream: str, snapshot: StreamSnapshot, chunks: Iterable[bytes]
) -> int:
    """Makes a stream from its bytes, in place of the one that there may be. Returns how many messages it holds.

    Its other settings are those that it had; the next process that connects changes them to today's. Chunks have at
    most CHUNK_BYTES. Raises SnapshotRefused (the bytes are damaged, somebody made the stream anew meanwhile),
    StreamUnavailable.
    """
    client = connection.client
    config = {**snapshot.config, "num_replicas": connection.settings.stream_replicas}
    try:
        if await count_messages(connection, stream) is not None:
            await connection.jetstream.delete_stream(stream)
        request = {"config": config, "state": snapshot.state}
        subject = (await _ask(client, f"$JS.API.STREAM.RESTORE.{stream}", request, stream)).deliver_subject
        for chunk in chunks:
            # Answered when the server has written it, which is the flow control of this direction.
            answer = await client.request(subject, chunk, timeout=_SILENCE_SECONDS)
            if answer.data:
                _checked(answer.data, stream)
        last = await client.request(subject, b"", timeout=_PUT_BACK_SECONDS)
    except (NatsError, TimeoutError) as error:
        raise _away(error) from error
    return int(_checked(last.data, stream).state["messages"])


async def _ask(client: Client, subject: str, request: dict[str, Any], stream: str) -> _Answer:
    answer = await client.request(subject, json.dumps(request).encode(), timeout=_SILENCE_SECONDS)
    return _checked(answer.data, stream)


def _checked(data: bytes, stream: str) -> _Answer:
    try:
        answer = msgspec.json.decode(data, type=_Answer)
    except msgspec.DecodeError as error:
        raise SnapshotRefused(f"the stream {stream}: no answer that makes sense: {error}") from error
    if answer.error:
        words = str(answer.error.get("description", answer.error))
        hint = (
            "; some service runs and has made it anew: stop all of them" if "already in use" in words else ""
        )
        raise SnapshotRefused(f"the stream {stream}: {words}{hint}")
    return answer


def _status(message: Msg) -> str:
    headers = message.headers or {}
    return " ".join(filter(None, (headers.get("Status"), headers.get("Description"))))


def _away(error: Exception) -> StreamUnavailable:
    return StreamUnavailable(f"NATS: {str(error) or type(error).__name__}")
