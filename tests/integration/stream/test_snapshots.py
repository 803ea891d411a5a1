"""Whole streams as bytes and back: all of it, in chunks, or an error that says what is wrong."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import nats
import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.errors import StreamUnavailable
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from pipeline.stream.snapshots import (
    CHUNK_BYTES,
    SnapshotRefused,
    StreamSnapshot,
    count_messages,
    put_back,
    take_snapshot,
)
from pipeline.stream.topology import ensure_topology
from tests.faults.background import Background
from tests.integration.stream.conftest import Connect, Consume
from tests.integration.stream.messages import batch, numbered, numbers

MESSAGES = 120


async def taken(connection: StreamConnection) -> tuple[StreamSnapshot, list[bytes]]:
    chunks: list[bytes] = []
    return await take_snapshot(connection, "EVENTS", chunks.append), chunks


async def alone(url: str) -> StreamConnection:
    """A connection as the console has it: nobody puts streams in place meanwhile."""
    connection = StreamConnection(StreamSettings(nats_url=url), "backup")
    await connection.open()
    return connection


@pytest.fixture
async def other_own_program(own_nats: RunningServer) -> AsyncIterator[Client]:
    client = await nats.connect(own_nats.url)
    yield client
    await client.close()


@pytest.fixture
async def filled_alone(own_nats: RunningServer) -> AsyncIterator[StreamConnection]:
    """A stream that needs more chunks than the server sends without an acknowledgement."""
    connection = await alone(own_nats.url)
    await ensure_topology(connection.jetstream, connection.settings)
    publisher = StreamPublisher(connection)
    for _ in range(MESSAGES):
        await publisher.publish_batch(batch(b'"%b"' % os.urandom(50_000).hex().encode()))
    yield connection
    await connection.close()


async def held(client: Client) -> list[tuple[int, bytes]]:
    """Sequence numbers and payloads."""
    jetstream = client.jetstream()
    state = (await jetstream.stream_info("EVENTS")).state
    messages = [
        await jetstream.get_msg("EVENTS", seq=seq) for seq in range(state.first_seq, state.last_seq + 1)
    ]
    return [(message.seq or 0, message.data or b"") for message in messages]


async def test_a_stream_comes_back_byte_for_byte_with_its_sequence_numbers(
    other_own_program: Client, filled_alone: StreamConnection
) -> None:
    before = await held(other_own_program)
    snapshot, chunks = await taken(filled_alone)
    assert snapshot.messages == len(before) == MESSAGES
    assert len(chunks) > 40
    assert max(map(len, chunks)) <= CHUNK_BYTES

    await other_own_program.jetstream().purge_stream("EVENTS")
    assert await put_back(filled_alone, "EVENTS", snapshot, chunks) == MESSAGES
    assert await held(other_own_program) == before

    await other_own_program.jetstream().delete_stream("EVENTS")
    assert await count_messages(filled_alone, "EVENTS") is None
    assert await put_back(filled_alone, "EVENTS", snapshot, chunks) == MESSAGES


@pytest.mark.parametrize("damage", ["cut", "changed", "nothing"])
async def test_damaged_bytes_are_refused(filled_alone: StreamConnection, damage: str) -> None:
    snapshot, chunks = await taken(filled_alone)
    half = len(chunks) // 2
    wrong = {
        "cut": chunks[:half],
        "changed": [*chunks[:half], bytes([chunks[half][0] ^ 1]) + chunks[half][1:], *chunks[half + 1 :]],
        "nothing": [],
    }[damage]
    with pytest.raises(SnapshotRefused, match="the stream EVENTS: restore failed"):
        await put_back(filled_alone, "EVENTS", snapshot, wrong)
    assert await put_back(filled_alone, "EVENTS", snapshot, chunks) == MESSAGES  # a second try heals it


async def test_a_stream_that_somebody_makes_anew_meanwhile_is_told(
    other_own_program: Client, filled_alone: StreamConnection
) -> None:
    snapshot, chunks = await taken(filled_alone)
    jetstream = other_own_program.jetstream()

    await jetstream.delete_stream("EVENTS")
    await jetstream.add_stream(name="OTHER", subjects=["events.>"])
    with pytest.raises(SnapshotRefused, match=r"the stream EVENTS: .*overlap"):
        await put_back(filled_alone, "EVENTS", snapshot, chunks)


async def test_a_service_that_puts_the_streams_in_place_meanwhile_does_no_harm(
    own_nats: RunningServer, filled_alone: StreamConnection
) -> None:
    snapshot, chunks = await taken(filled_alone)

    def while_a_service_starts() -> Iterator[bytes]:
        yield from chunks[:-1]
        asyncio.run_coroutine_threadsafe(make_anew(own_nats.url), background.loop).result(10)
        yield chunks[-1]

    with Background() as background:
        assert await put_back(filled_alone, "EVENTS", snapshot, while_a_service_starts()) == MESSAGES
    assert await count_messages(filled_alone, "EVENTS") == MESSAGES


async def make_anew(url: str) -> None:
    connection = await alone(url)
    await ensure_topology(connection.jetstream, connection.settings)
    await connection.close()


@pytest.mark.exhaustive  # it waits half a minute for a server that is gone
async def test_what_has_no_such_stream_or_is_away_says_so(own_nats: RunningServer) -> None:
    connection = await alone(own_nats.url)
    with pytest.raises(SnapshotRefused, match="the stream EVENTS: stream not found"):
        await take_snapshot(connection, "EVENTS", len)
    own_nats.kill()
    with pytest.raises(StreamUnavailable):
        await take_snapshot(connection, "EVENTS", len)
    await connection.close()


async def test_what_was_delivered_and_not_acknowledged_is_delivered_to_a_new_consumer(
    own_nats: RunningServer, connect: Connect, consume: Consume, other_own_program: Client
) -> None:
    connection = await connect(own_nats.url)
    for each in numbered(10):
        await StreamPublisher(connection).publish_batch(each)
    consumer = consume(connection)
    for _ in range(5):
        await asyncio.wait_for(consumer.next(), 5)  # in its hands, and in the stream
    snapshot, chunks = await taken(connection)
    await put_back(connection, "EVENTS", snapshot, chunks)
    assert (await other_own_program.jetstream().stream_info("EVENTS")).state.consumer_count == 0
    survivor = consume(await connect(own_nats.url))
    found = [await asyncio.wait_for(survivor.next(), 10) for _ in range(10)]
    assert sorted(numbers([delivery.payload for delivery in found])) == list(range(10))
