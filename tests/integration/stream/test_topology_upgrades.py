"""Processes of two versions, or with two ideas of the limits, beside each other: as in a rolling update."""

import asyncio

import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.chassis.settings import ByteSize
from pipeline.errors import StreamUnavailable
from pipeline.stream import StreamConnection, StreamPublisher
from tests.integration.stream.conftest import Connect
from tests.integration.stream.messages import batch
from tests.processes import eventually

LARGE, SMALLER = ByteSize(64 * 1024**2), ByteSize(1024**2)


async def limit_of(client: Client) -> int:
    return (await client.jetstream().stream_info("EVENTS")).config.max_bytes or 0


async def looks_again(connection: StreamConnection) -> None:
    """Returns when a process has looked at the streams once more, as each does every few seconds."""
    last = connection.streams

    async def looked() -> None:
        assert connection.streams is not last

    await eventually(looked, within_seconds=15)


@pytest.mark.exhaustive
async def test_whoever_starts_last_says_how_large_a_stream_is_and_the_others_leave_it_so(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    older = await connect(empty_nats.url, events_max_bytes=SMALLER)
    newer = await connect(empty_nats.url, events_max_bytes=LARGE)
    assert await limit_of(other_program) == LARGE

    await asyncio.gather(looks_again(older), looks_again(newer))

    assert await limit_of(other_program) == LARGE


@pytest.mark.exhaustive
async def test_a_stream_that_was_deleted_is_made_anew_by_an_older_process_too(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    older = await connect(empty_nats.url, events_max_bytes=SMALLER)
    await other_program.jetstream().delete_stream("EVENTS")
    await looks_again(older)
    assert await limit_of(other_program) == SMALLER


async def test_a_limit_below_what_a_stream_holds_refuses_the_next_and_deletes_nothing(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    newer = await connect(empty_nats.url, events_max_bytes=LARGE)
    payload = b'"' + b"x" * 200_000 + b'"'
    for _ in range(20):
        await StreamPublisher(newer).publish_batch(batch(payload))

    older = await connect(empty_nats.url, events_max_bytes=SMALLER)

    state = (await other_program.jetstream().stream_info("EVENTS")).state
    assert (await limit_of(other_program), state.messages) == (SMALLER, 20)
    for connection in (older, newer):
        with pytest.raises(StreamUnavailable, match="maximum bytes exceeded"):
            await StreamPublisher(connection).publish_batch(batch(payload))
