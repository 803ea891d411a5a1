"""Consuming: everything published is delivered, whatever happens to the consumer, its neighbours or the server."""

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.errors import StreamUnavailable
from pipeline.stream import Backlog, BatchConsumer, Delivery, StreamPublisher
from tests.integration.stream.conftest import Connect, Consume, Running
from tests.integration.stream.messages import numbered, numbers
from tests.processes import eventually


async def test_everything_published_is_delivered_and_gone_once_acknowledged(
    empty_nats: RunningServer, other_program: Client, connect: Connect, consume: Consume
) -> None:
    connection = await connect(empty_nats.url)
    publisher = StreamPublisher(connection)
    await asyncio.gather(*map(publisher.publish_batch, numbered(100)))  # before there is a consumer
    consumer = consume(connection)
    later = asyncio.gather(*map(publisher.publish_batch, numbered(100, start=100)))

    received = await take(consumer, 200)
    await later

    assert sorted(received) == list(range(200))
    await stream_is_empty(other_program)


async def test_consumers_of_one_source_share_its_batches_without_loss(
    empty_nats: RunningServer, other_program: Client, connect: Connect, consume: Consume
) -> None:
    consumers = [consume(await connect(empty_nats.url), prefetch=4) for _ in range(3)]
    received: list[list[int]] = [[], [], []]
    publisher = StreamPublisher(await connect(empty_nats.url))

    async def work(consumer: BatchConsumer, mine: list[int]) -> None:
        while True:
            delivery = await consumer.next()
            mine += numbers([delivery.payload])
            await asyncio.sleep(0.005)  # as a transaction would take
            await delivery.ack()

    async with asyncio.TaskGroup() as group:
        workers = [
            group.create_task(work(consumer, mine))
            for consumer, mine in zip(consumers, received, strict=True)
        ]
        await asyncio.gather(*map(publisher.publish_batch, numbered(150)))
        await stream_is_empty(other_program)
        for worker in workers:
            worker.cancel()

    assert sorted(itertools.chain(*received)) == list(range(150))
    assert all(received), "one of the consumers got nothing"


async def test_what_was_not_acknowledged_is_delivered_to_another(
    empty_nats: RunningServer, other_program: Client, connect: Connect, consume: Consume
) -> None:
    dying = await connect(empty_nats.url)
    consumer = consume(dying, ack_wait_seconds=2.0)
    publisher = StreamPublisher(await connect(empty_nats.url))
    await asyncio.gather(*map(publisher.publish_batch, numbered(5)))
    held = [await within(consumer.next(), 5) for _ in range(5)]
    await held[0].ack()
    await dying.client.flush()
    await dying.client.close()  # as a crash would

    survivor = consume(await connect(empty_nats.url), ack_wait_seconds=2.0)

    assert sorted(await take(survivor, 4)) == sorted(numbers([each.payload for each in held[1:]]))
    await stream_is_empty(other_program)


async def test_what_is_given_back_is_delivered_again_at_once(
    empty_nats: RunningServer, other_program: Client, connect: Connect, consume: Consume
) -> None:
    connection = await connect(empty_nats.url)
    consumer = consume(connection, ack_wait_seconds=60.0)
    await StreamPublisher(connection).publish_batch(numbered(1)[0])
    first = await within(consumer.next(), 5)

    await first.nak()

    again = await within(consumer.next(), 1)
    assert again.payload == first.payload
    assert (first.redelivered, again.redelivered) == (False, True)
    await again.ack()
    await stream_is_empty(other_program)


async def test_a_consumer_that_stops_gives_back_at_once_what_it_holds(
    empty_nats: RunningServer, connect: Connect, consume: Consume, running: Running
) -> None:
    connection = await connect(empty_nats.url)
    stopping = BatchConsumer(connection, "facebook", prefetch=8, ack_wait_seconds=60.0, max_ack_pending=64)
    end = running.start(stopping.run)
    publisher = StreamPublisher(connection)
    await asyncio.gather(*map(publisher.publish_batch, numbered(6)))
    settled = await within(stopping.next(), 5)
    await within(stopping.next(), 5)  # held by the writer; the others still wait in the buffer
    await settled.ack()

    await end()
    await stopping.release()

    other = consume(await connect(empty_nats.url), ack_wait_seconds=60.0)
    left = await take(other, 5, within_seconds=3)
    assert sorted(left + numbers([settled.payload])) == list(range(6))


@pytest.mark.exhaustive
async def test_what_is_held_longer_than_the_deadline_is_kept_alive(
    empty_nats: RunningServer, other_program: Client, connect: Connect, consume: Consume
) -> None:
    holder = consume(await connect(empty_nats.url), prefetch=3, ack_wait_seconds=3.0)
    await StreamPublisher(await connect(empty_nats.url)).publish_batch(numbered(1)[0])
    held = await within(holder.next(), 5)
    other = consume(await connect(empty_nats.url), prefetch=3, ack_wait_seconds=3.0)

    with pytest.raises(TimeoutError):
        await within(other.next(), 8)

    info = await other_program.jetstream().consumer_info("EVENTS", "facebook-collector")
    assert info.num_redelivered == 0
    assert info.num_ack_pending == 1
    await held.ack()
    await stream_is_empty(other_program)


async def test_a_batch_that_comes_while_nothing_else_does_arrives_at_once(
    empty_nats: RunningServer, connect: Connect, consume: Consume
) -> None:
    consumer = consume(await connect(empty_nats.url))
    publisher = StreamPublisher(await connect(empty_nats.url))
    seconds: list[float] = []
    for pause in (0.5, 2.5, 0.0, 0.1, 0.0):  # 2.5: longer than the pull's heartbeat
        await asyncio.sleep(pause)
        began = time.monotonic()
        await publisher.publish_batch(numbered(1)[0])
        delivery = await within(consumer.next(), 5)
        seconds.append(time.monotonic() - began)
        await delivery.ack()

    assert max(seconds) < 0.5, seconds


async def test_a_consumer_that_is_deleted_by_hand_is_back_and_nothing_is_missed(
    empty_nats: RunningServer, other_program: Client, connect: Connect, consume: Consume
) -> None:
    connection = await connect(empty_nats.url)
    consumer = consume(connection)
    publisher = StreamPublisher(connection)
    await publisher.publish_batch(numbered(1)[0])
    assert await take(consumer, 1) == [0]
    await stream_is_empty(other_program)

    await other_program.jetstream().delete_consumer("EVENTS", "facebook-collector")
    await asyncio.gather(*map(publisher.publish_batch, numbered(20, start=1)))

    assert sorted(await take(consumer, 20, within_seconds=10)) == list(range(1, 21))
    await stream_is_empty(other_program)


@pytest.mark.exhaustive
async def test_a_stream_that_is_deleted_by_hand_does_not_end_the_consumer(
    empty_nats: RunningServer, other_program: Client, connect: Connect, consume: Consume
) -> None:
    connection = await connect(empty_nats.url)
    consumer = consume(connection)
    publisher = StreamPublisher(connection)
    await publisher.publish_batch(numbered(1)[0])
    assert await take(consumer, 1) == [0]

    await other_program.jetstream().delete_stream("EVENTS")
    await eventually(lambda: published(publisher), within_seconds=10)

    assert await take(consumer, 1, within_seconds=15) == [1]


async def test_after_a_crash_of_nats_it_goes_on_with_what_was_there_and_what_comes(
    connect: Connect, consume: Consume, own_nats: RunningServer
) -> None:
    connection = await connect(own_nats.url)
    consumer = consume(connection, prefetch=4, ack_wait_seconds=5.0)
    publisher = StreamPublisher(connection)
    await asyncio.gather(*map(publisher.publish_batch, numbered(10)))
    received = await take(consumer, 2)  # more are on their way, and a pull is outstanding

    own_nats.kill()
    own_nats.start()
    await eventually(lambda: published(publisher), within_seconds=5)

    wanted = {*range(10), 1}
    while set(received) < wanted:
        received += await take(consumer, 1, within_seconds=15)
    assert set(received) == wanted


async def test_a_pull_that_is_idle_when_nats_crashes_is_made_anew(
    connect: Connect, consume: Consume, own_nats: RunningServer
) -> None:
    connection = await connect(own_nats.url)
    consumer = consume(connection)
    publisher = StreamPublisher(connection)
    await publisher.publish_batch(numbered(1)[0])
    await take(consumer, 1)

    own_nats.kill()
    own_nats.start()
    await eventually(lambda: published(publisher), within_seconds=5)
    began = time.monotonic()

    while await take(consumer, 1) != [1]:
        pass  # the acknowledgement of the first may have been lost in the crash
    assert time.monotonic() - began < 5


async def test_lag_tells_how_much_waits_and_since_when(
    empty_nats: RunningServer, connect: Connect, consume: Consume
) -> None:
    connection = await connect(empty_nats.url)
    publisher = StreamPublisher(connection)
    consumer = consume(connection, prefetch=3)
    assert is_empty(await eventually(lambda: lag(consumer)))
    began = datetime.now(UTC)
    for each in numbered(5):
        await publisher.publish_batch(each)
    deliveries = [await within(consumer.next(), 5) for _ in range(2)]

    backlog = await consumer.lag()
    assert backlog.batches == 5, "delivered is not stored"
    assert backlog.oldest is not None
    assert began - timedelta(seconds=1) < backlog.oldest < datetime.now(UTC)
    assert backlog.bytes > 0
    assert (backlog.arrived, backlog.redelivered) == (5, 0)
    assert backlog.unacknowledged is not None
    assert backlog.unacknowledged >= 2

    for delivery in deliveries:
        await delivery.ack()
    await take(consumer, 3)

    async def nothing_waits() -> None:
        backlog = await consumer.lag()
        assert is_empty(backlog)
        assert (backlog.bytes, backlog.arrived, backlog.unacknowledged) == (0, 5, 0)

    await eventually(nothing_waits)


async def test_batches_wait_even_while_there_is_no_consumer_for_them(
    empty_nats: RunningServer, connect: Connect
) -> None:
    # Before the first start of a collector, or when its consumer was deleted by hand.
    connection = await connect(empty_nats.url)
    await StreamPublisher(connection).publish_batch(numbered(1)[0])
    consumer = BatchConsumer(connection, "facebook", prefetch=3, ack_wait_seconds=30.0, max_ack_pending=64)

    backlog = await consumer.lag()

    assert backlog.batches == 1
    assert backlog.oldest is not None
    assert (backlog.arrived, backlog.unacknowledged, backlog.redelivered) == (None, None, None)


async def test_the_lag_of_another_source_does_not_count(empty_nats: RunningServer, connect: Connect) -> None:
    connection = await connect(empty_nats.url)
    await StreamPublisher(connection).publish_batch(numbered(1)[0])
    other = BatchConsumer(connection, "tiktok", prefetch=3, ack_wait_seconds=30.0, max_ack_pending=64)

    assert is_empty(await eventually(lambda: lag(other)))


async def test_without_nats_the_lag_is_unknown(
    connect: Connect, consume: Consume, own_nats: RunningServer
) -> None:
    consumer = consume(await connect(own_nats.url))
    await eventually(lambda: lag(consumer))

    own_nats.kill()

    with pytest.raises(StreamUnavailable):
        await within(consumer.lag(), 3)
    own_nats.start()


async def take(consumer: BatchConsumer, count: int, within_seconds: float = 10.0) -> list[int]:
    """Takes and acknowledges so many deliveries; returns the numbers in them."""
    taken: list[Delivery] = []
    async with asyncio.timeout(within_seconds):
        while len(taken) < count:
            taken.append(await consumer.next())
            await taken[-1].ack()
    return numbers([delivery.payload for delivery in taken])


async def within(waiting: "asyncio.Future[Delivery] | object", seconds: float) -> Delivery:
    return await asyncio.wait_for(waiting, seconds)  # type: ignore[arg-type]


def is_empty(backlog: Backlog) -> bool:
    return (backlog.batches, backlog.oldest) == (0, None)


async def lag(consumer: BatchConsumer) -> Backlog:
    try:
        return await consumer.lag()
    except StreamUnavailable as error:
        raise AssertionError(str(error)) from error


async def published(publisher: StreamPublisher) -> None:
    try:
        await publisher.publish_batch(numbered(1, start=1)[0])
    except StreamUnavailable as error:
        raise AssertionError(str(error)) from error


async def stream_is_empty(other_program: Client) -> None:
    async def is_empty() -> None:
        assert (await other_program.jetstream().stream_info("EVENTS")).state.messages == 0

    await eventually(is_empty)
