"""Publishing: an acknowledgement means "in the stream", everything else is StreamUnavailable, and soon."""

import asyncio
import time

import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.chassis.settings import ByteSize
from pipeline.errors import StreamUnavailable
from pipeline.events.batch import read_batch
from pipeline.stream import StreamPublisher
from tests.integration.stream.conftest import Connect
from tests.integration.stream.messages import SUBJECT, batch, numbered
from tests.processes import eventually, pause


async def test_what_is_acknowledged_is_in_the_stream(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    publisher = StreamPublisher(await connect(empty_nats.url))
    sent = batch(b'{"a": 1}', '{"b":"ü \\ud83d\\ude00"}'.encode())

    await publisher.publish_batch(sent)

    kept = await other_program.jetstream().get_msg("EVENTS", seq=1)
    assert kept.subject == SUBJECT
    assert kept.data == '[{"a": 1},{"b":"ü \\ud83d\\ude00"}]'.encode()
    received = read_batch("facebook", kept.data or b"", kept.headers or {})
    assert (received.format, received.received_at) == (sent.format, sent.received_at)
    assert received.correlation_of(1) == "test-17"


async def test_many_at_once_are_all_in_the_stream(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    publisher = StreamPublisher(await connect(empty_nats.url))

    await asyncio.gather(*map(publisher.publish_batch, numbered(200)))

    assert (await other_program.jetstream().stream_info("EVENTS")).state.messages == 200


async def test_the_same_message_id_is_stored_once(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    publisher = StreamPublisher(await connect(empty_nats.url))
    sent = batch(b"1")
    headers = sent.headers()

    for _ in range(3):
        await publisher.publish(SUBJECT, sent.payload(), headers)

    assert (await other_program.jetstream().stream_info("EVENTS")).state.messages == 1


async def test_a_full_stream_refuses_keeps_what_it_has_and_takes_more_when_it_is_drained(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    publisher = StreamPublisher(await connect(empty_nats.url, events_max_bytes=ByteSize(200_000)))
    large = batch(b'"' + b"x" * 40_000 + b'"')
    acknowledged = 0
    with pytest.raises(StreamUnavailable, match="maximum bytes exceeded"):
        for _ in range(10):
            await publisher.publish_batch(large)
            acknowledged += 1
    jetstream = other_program.jetstream()
    assert (await jetstream.stream_info("EVENTS")).state.messages == acknowledged == 4

    await jetstream.purge_stream("EVENTS")

    await publisher.publish_batch(large)
    assert (await jetstream.stream_info("EVENTS")).state.messages == 1


async def test_before_the_first_connection_it_fails_at_once(
    connect: Connect, own_nats: RunningServer
) -> None:
    own_nats.kill()
    connection = await connect(own_nats.url, ready=False)
    publisher = StreamPublisher(connection)

    await fails_within(publisher, 0.2)

    own_nats.start()
    await asyncio.wait_for(connection.ready(), 10)
    await publisher.publish_batch(batch(b"1"))


async def test_while_nats_is_away_it_fails_at_once_and_it_works_again_afterwards(
    connect: Connect, own_nats: RunningServer
) -> None:
    connection = await connect(own_nats.url)
    publisher = StreamPublisher(connection)
    await publisher.publish_batch(batch(b"1"))

    own_nats.kill()
    await fails_within(publisher, 0.5)  # the loss may be noticed by this very call
    await fails_within(publisher, 0.2)

    own_nats.start()
    await works_again(publisher)
    info = await connection.jetstream.stream_info("EVENTS")
    assert info.state.messages == 2, (
        "what was acknowledged before the kill is still there, what failed is not"
    )


async def test_a_publish_that_waits_when_nats_is_killed_fails_at_once(
    connect: Connect, own_nats: RunningServer
) -> None:
    connection = await connect(own_nats.url, nats_request_timeout_seconds=30.0)
    publisher = StreamPublisher(connection)
    pause(own_nats)
    waiting = [asyncio.create_task(publisher.publish_batch(each)) for each in numbered(3)]
    done, _ = await asyncio.wait(waiting, timeout=0.3)
    assert not done

    own_nats.kill()
    killed_at = time.monotonic()

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StreamUnavailable] * 3
    assert time.monotonic() - killed_at < 1.0
    own_nats.start()
    await works_again(publisher)


async def test_a_publish_to_a_stopped_nats_fails_by_its_timeout(
    connect: Connect, own_nats: RunningServer
) -> None:
    publisher = StreamPublisher(await connect(own_nats.url, nats_request_timeout_seconds=1.0))
    pause(own_nats)
    try:
        await fails_within(publisher, 1.3)
    finally:
        own_nats.resume()
    await works_again(publisher)


async def test_a_timeout_and_the_loss_of_the_connection_may_come_in_the_same_turn_of_the_loop(
    connect: Connect, own_nats: RunningServer
) -> None:
    connection = await connect(own_nats.url, nats_request_timeout_seconds=0.05)
    loop = asyncio.get_running_loop()
    noticed: list[BaseException | None] = []

    def notice() -> None:
        # What nats-py awaits before it reconnects. It has nothing to wait for, so it runs to its end right here.
        try:
            connection._on_disconnected().send(None)
        except BaseException as end:  # whatever it is: nats-py would never reconnect
            noticed.append(end)

    with pytest.raises(TimeoutError), connection.answer_expected() as scope:
        async with scope:
            loop.call_later(0.05, notice)
            loop.call_soon(time.sleep, 0.1)  # both are overdue when the loop looks at its timers again
            await asyncio.Event().wait()

    assert [type(end) for end in noticed] == [StopIteration], noticed


async def fails_within(publisher: StreamPublisher, seconds: float) -> None:
    began = time.monotonic()
    with pytest.raises(StreamUnavailable):
        await publisher.publish_batch(batch(b"0"))
    assert time.monotonic() - began < seconds


async def works_again(publisher: StreamPublisher) -> None:
    async def publishes() -> None:
        try:
            await publisher.publish_batch(batch(b"1"))
        except StreamUnavailable as error:
            raise AssertionError(str(error)) from error

    await eventually(publishes, within_seconds=5)
