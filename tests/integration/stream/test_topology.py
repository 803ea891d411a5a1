"""The streams: what they promise, and that any process may put them in place at any time."""

import asyncio
import sys

import pytest
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType
from nats.js.errors import NotFoundError

from ops.local.binaries import ROOT
from ops.local.servers import RunningServer
from pipeline.chassis.settings import ByteSize
from pipeline.stream import StreamPublisher
from tests.integration.stream.conftest import SMALL, Connect
from tests.integration.stream.messages import batch
from tests.processes import eventually

ENSURE = """
import asyncio, sys
from pipeline.stream import StreamConnection, StreamSettings

async def main():
    connection = StreamConnection(StreamSettings(nats_url=sys.argv[1]), "test")
    stop = asyncio.Event()
    print("started", flush=True)
    sys.stdin.readline()
    running = asyncio.create_task(connection.run(stop))
    await asyncio.wait_for(connection.ready(), 10)
    stop.set()
    await running
    await connection.close()

asyncio.run(main())
"""


async def test_the_streams_promise_what_the_design_says(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    await connect(empty_nats.url)

    events = (await other_program.jetstream().stream_info("EVENTS")).config
    dead_letters = (await other_program.jetstream().stream_info("DEAD_LETTERS")).config

    assert events.subjects == ["events.>"]
    assert events.retention == RetentionPolicy.WORK_QUEUE
    assert events.discard == DiscardPolicy.NEW
    assert events.storage == StorageType.FILE
    assert events.max_bytes == SMALL["events_max_bytes"]
    assert not events.max_age, "no event may be thrown away for its age"
    assert dead_letters.subjects == ["dead.>"]
    assert dead_letters.retention == RetentionPolicy.LIMITS
    assert dead_letters.discard == DiscardPolicy.OLD
    assert dead_letters.storage == StorageType.FILE
    assert dead_letters.max_age == 30 * 86_400
    assert dead_letters.max_msgs_per_subject == 16, "one flood may take up a fourth of 16 MiB"


async def test_a_changed_limit_is_applied_and_what_is_stored_stays(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    before = await connect(empty_nats.url)
    await StreamPublisher(before).publish_batch(batch(b"1"))

    await connect(empty_nats.url, events_max_bytes=ByteSize(32 * 1024**2), dead_letters_max_age_days=7)

    events = await other_program.jetstream().stream_info("EVENTS")
    dead_letters = await other_program.jetstream().stream_info("DEAD_LETTERS")
    assert events.config.max_bytes == 32 * 1024**2
    assert events.config.retention == RetentionPolicy.WORK_QUEUE
    assert events.state.messages == 1
    assert dead_letters.config.max_age == 7 * 86_400


async def test_several_processes_may_ensure_the_streams_at_the_same_moment(
    empty_nats: RunningServer, other_program: Client
) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ENSURE, empty_nats.url),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"started\n"

    answers = await asyncio.wait_for(
        asyncio.gather(*(process.communicate(b"\n") for process in processes)), 30
    )

    assert [process.returncode for process in processes] == [0] * 4, answers
    names = [stream.config.name for stream in await other_program.jetstream().streams_info()]
    assert sorted(name or "" for name in names) == ["DEAD_LETTERS", "EVENTS", "NOTIFICATIONS"]


@pytest.mark.exhaustive
async def test_a_stream_that_is_deleted_by_hand_is_back_within_ten_seconds(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    connection = await connect(empty_nats.url)
    jetstream = other_program.jetstream()
    await jetstream.delete_stream("EVENTS")
    await jetstream.delete_stream("DEAD_LETTERS")

    async def both_are_back() -> None:
        try:
            await jetstream.stream_info("EVENTS")
            await jetstream.stream_info("DEAD_LETTERS")
        except NotFoundError as error:
            raise AssertionError("a stream is still missing") from error

    await eventually(both_are_back, within_seconds=10)
    await StreamPublisher(connection).publish_batch(batch(b"1"))
    assert (await jetstream.stream_info("EVENTS")).state.messages == 1
