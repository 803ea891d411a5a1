"""Telling people something, hearing all of it, and reading what was missed."""

import asyncio
import itertools

import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig

from ops.local.servers import RunningServer
from pipeline.errors import StreamUnavailable
from pipeline.stream import (
    Notice,
    NotificationFeed,
    NotificationPublisher,
    StoredNotice,
    StreamConnection,
    encode_body,
    read_missed,
    topic_subject,
    user_subject,
)
from tests.integration.stream.conftest import Connect, Running

_numbers = itertools.count(1)


class Heard:
    """What a feed has received, and how often it was interrupted."""

    def __init__(self, connection: StreamConnection) -> None:
        self.notices: list[StoredNotice] = []
        self.interruptions = 0
        self.feed = NotificationFeed(connection, self._receive, self._interrupted)

    def _receive(self, notice: StoredNotice) -> bool:
        self.notices.append(notice)
        return True

    def _interrupted(self) -> None:
        self.interruptions += 1

    async def until(self, count: int) -> list[bytes]:
        async with asyncio.timeout(20):
            while len(self.notices) < count:
                await asyncio.sleep(0.01)
        return [notice.body for notice in self.notices]

    async def live(self) -> None:
        async with asyncio.timeout(20):
            while not self.feed.is_live:
                await asyncio.sleep(0.01)


def notices(count: int, user: str = "u-1") -> list[Notice]:
    return [
        Notice(user_subject(user), encode_body({"kind": "LIKE", "n": next(_numbers)})) for _ in range(count)
    ]


async def missed(connection: StreamConnection, subjects: list[str], after: int, up_to: int) -> list[int]:
    return [notice.sequence async for notice in read_missed(connection, subjects, after, up_to)]


async def test_no_two_names_share_a_subject_and_none_means_several() -> None:
    names = ["u-1", "u.1", "u 1", "u%2E1", "*", ">", "ü", "a/b", "post:1", "", "\ud800", "~", "u\x001"]
    subjects = [user_subject(name) for name in names] + [topic_subject(name) for name in names]

    assert len(set(subjects)) == len(subjects)
    for subject in subjects:
        assert subject.isascii()
        assert len(subject.split(".")) == 3
        assert not any(character in subject for character in " *>\x00")


async def test_a_batch_is_there_once_however_often_it_is_published(
    empty_nats: RunningServer, connect: Connect, other_program: Client
) -> None:
    publisher = NotificationPublisher(await connect(empty_nats.url))
    batch = notices(1201)

    for _ in range(3):
        await publisher.publish_all(batch, "batch-1")
    await asyncio.gather(*(publisher.publish_all(notices(1), "batch-2") for _ in range(5)))
    await publisher.publish(
        to_users=["u-1", "u-2"], topics=["alerts"], body={"kind": "FRAUD"}, message_id="m"
    )

    state = (await other_program.jetstream().stream_info("NOTIFICATIONS")).state
    assert state.messages == 1201 + 1 + 3
    await publisher.publish_all([], "nothing")


async def test_a_batch_is_told_apart_after_a_restart_of_the_server(
    own_nats: RunningServer, connect: Connect
) -> None:
    connection = await connect(own_nats.url)
    publisher = NotificationPublisher(connection)
    batch = notices(3)
    await publisher.publish_all(batch, "batch-1")
    own_nats.kill()
    own_nats.start()

    async with asyncio.timeout(10):
        while True:
            try:
                await publisher.publish_all(batch, "batch-1")
                break
            except StreamUnavailable:
                await asyncio.sleep(0.1)

    assert (await connection.jetstream.stream_info("NOTIFICATIONS")).state.messages == 3


@pytest.mark.parametrize("body", [{"n": 1}, {"kind": "LIKE", "id": 1}, {"kind": "LIKE", "type": "x"}])
async def test_a_body_that_clients_could_not_tell_from_ours(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="kind"):
        encode_body(body)


async def test_publishing_fails_at_once_without_nats_and_without_the_stream(
    own_nats: RunningServer, connect: Connect
) -> None:
    connection = await connect(own_nats.url)
    publisher = NotificationPublisher(connection)
    await connection.jetstream.delete_stream("NOTIFICATIONS")
    with pytest.raises(StreamUnavailable):
        await publisher.publish_all(notices(2), "a")
    own_nats.kill()
    with pytest.raises(StreamUnavailable):
        await publisher.publish_all(notices(2), "b")
    own_nats.start()


async def test_a_stream_of_an_older_version_learns_to_take_batches(
    empty_nats: RunningServer, other_program: Client, connect: Connect
) -> None:
    await other_program.jetstream().add_stream(
        StreamConfig(name="NOTIFICATIONS", subjects=["notifications.>"])
    )

    connection = await connect(empty_nats.url)
    await NotificationPublisher(connection).publish_all(notices(5), "batch")

    config = (await other_program.jetstream().stream_info("NOTIFICATIONS")).config
    assert (config.allow_atomic, config.allow_direct, config.max_age) == (True, True, 24 * 3600)


async def test_a_feed_hears_what_is_published_after_it_began_in_order(
    empty_nats: RunningServer, connect: Connect, running: Running
) -> None:
    connection = await connect(empty_nats.url)
    publisher = NotificationPublisher(connection)
    await publisher.publish_all(notices(10), "before")
    heard = Heard(connection)
    running.start(heard.feed.run)
    await heard.live()
    assert heard.feed.sequence == 10

    batches = [notices(50) for _ in range(20)]
    for number, batch in enumerate(batches):
        await publisher.publish_all(batch, f"batch-{number}")

    assert await heard.until(1000) == [notice.body for batch in batches for notice in batch]
    assert heard.feed.sequence == 1010


async def test_a_feed_takes_up_where_a_dead_server_left_it(
    own_nats: RunningServer, connect: Connect, running: Running
) -> None:
    connection = await connect(own_nats.url)
    other = await connect(own_nats.url)
    heard = Heard(connection)
    running.start(heard.feed.run)
    await heard.live()
    expected: list[bytes] = []

    async def tell() -> None:
        batch = notices(10)
        expected.extend(notice.body for notice in batch)
        async with asyncio.timeout(20):
            while True:
                try:
                    await NotificationPublisher(other).publish_all(batch, f"batch-{len(expected)}")
                    return
                except StreamUnavailable:
                    await asyncio.sleep(0.05)

    for _ in range(3):
        await tell()
        own_nats.kill()
        own_nats.start()
        for _ in range(5):
            await tell()

    assert await heard.until(len(expected)) == expected
    assert heard.interruptions == 0


async def test_a_feed_says_when_the_stream_is_another_one(
    empty_nats: RunningServer, connect: Connect, running: Running, other_program: Client
) -> None:
    connection = await connect(empty_nats.url)
    heard = Heard(connection)
    running.start(heard.feed.run)
    await heard.live()
    await NotificationPublisher(connection).publish_all(notices(10), "a")
    await heard.until(10)

    await other_program.jetstream().delete_stream("NOTIFICATIONS")
    again = await connect(empty_nats.url)  # makes the stream anew
    batch = notices(3)
    await NotificationPublisher(again).publish_all(batch, "b")

    assert (await heard.until(13))[10:] == [notice.body for notice in batch]
    assert heard.interruptions == 1


async def test_what_was_missed_is_read_in_order_over_several_subjects(
    empty_nats: RunningServer, connect: Connect, other_program: Client
) -> None:
    connection = await connect(empty_nats.url)
    publisher = NotificationPublisher(connection)
    for number in range(4):
        batch = [
            notice
            for each in range(100)
            for notice in (*notices(1, "a"), *notices(1, f"{each}"), *notices(1, "b"))
        ]
        await publisher.publish_all(batch, f"batch-{number}")
    of_a, of_b = list(range(1, 1201, 3)), list(range(3, 1201, 3))
    a, b = user_subject("a"), user_subject("b")

    assert await missed(connection, [a], 0, 1200) == of_a
    assert await missed(connection, [b, a, a], 0, 1200) == sorted(of_a + of_b)
    assert await missed(connection, [a], 1, 1198) == of_a[1:]
    assert await missed(connection, [a], 1, 1197) == of_a[1:-1]
    assert await missed(connection, [a, user_subject("nobody")], 1198, 10_000) == []
    assert await missed(connection, [a], 10, 10) == []
    await other_program.jetstream().delete_msg("NOTIFICATIONS", 4)
    await other_program.jetstream().purge_stream("NOTIFICATIONS", seq=100)
    assert await missed(connection, [a, b], 0, 110) == [100, 102, 103, 105, 106, 108, 109]


async def test_a_reading_that_is_left_early_leaves_nothing_behind(
    empty_nats: RunningServer, connect: Connect, other_program: Client
) -> None:
    connection = await connect(empty_nats.url)
    await NotificationPublisher(connection).publish_all(notices(200), "batch")
    reading = read_missed(connection, [user_subject("u-1")], 0, 200)
    assert (await anext(reading)).sequence == 1
    await reading.aclose()

    assert (await other_program.jetstream().stream_info("NOTIFICATIONS")).state.consumer_count == 0
    assert not [
        sub for sub in connection.client._subs.values() if "INBOX" in sub.subject and "*" not in sub.subject
    ]


async def test_reading_fails_when_nats_is_away(own_nats: RunningServer, connect: Connect) -> None:
    connection = await connect(own_nats.url)
    await NotificationPublisher(connection).publish_all(notices(200), "batch")
    reading = read_missed(connection, [user_subject("u-1")], 0, 200)
    await anext(reading)
    own_nats.kill()
    with pytest.raises(StreamUnavailable):
        async for _ in reading:
            pass
    own_nats.start()
