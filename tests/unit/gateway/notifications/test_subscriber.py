"""One client's queue: the order of what it is told, and what happens when there is more than fits."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence

import pytest

from gateway.notifications.endings import SLOW_READER, Ending
from gateway.notifications.messages import Outgoing, notification, pong
from gateway.notifications.subscriber import Subscriber
from pipeline.chassis.tokens import Bearer
from pipeline.stream import StoredNotice, user_subject

OWN = user_subject("u-1")


class Stream:
    """The stream and the hub: everything that is published is kept, and offered when the hub has heard it."""

    def __init__(self, queue_max: int = 4) -> None:
        self.kept: list[StoredNotice] = []
        self.sequence = 0
        self.joined = False
        self.readings: list[tuple[int, int]] = []
        self.endings: list[Ending] = []
        self.during_reading = lambda: None
        bearer = Bearer("u-1", frozenset(), time.time() + 60)
        self.subscriber = Subscriber(bearer, queue_max, self.endings.append)

    def begin(self, position: int, after: int, *greeting: Outgoing) -> None:
        """From now on the subscriber is offered everything; it has missed what came after `after`."""
        missed = (after, position) if after < position else None
        self.subscriber.begin(position, missed, greeting)
        self.joined = True

    def publish(self, count: int = 1) -> None:
        for _ in range(count):
            self.sequence += 1
            notice = StoredNotice(self.sequence, OWN, b'{"kind":"LIKE"}')
            self.kept.append(notice)
            message = notification(notice, "")
            assert message is not None
            if self.joined:
                self.subscriber.offer(message)

    async def read_missed(
        self, subjects: Sequence[str], after: int, up_to: int
    ) -> AsyncGenerator[StoredNotice]:
        self.readings.append((after, up_to))
        for notice in self.kept[after:up_to]:
            self.during_reading()
            yield notice

    def messages(self) -> AsyncGenerator[Outgoing]:
        return self.subscriber.messages(self.read_missed, lambda: self.sequence)


async def take(messages: AsyncGenerator[Outgoing], count: int) -> list[int]:
    async with asyncio.timeout(5):
        return [(await anext(messages)).sequence for _ in range(count)]


async def test_first_the_greeting_then_what_was_missed_then_what_is_new() -> None:
    stream = Stream()
    stream.publish(5)
    stream.begin(5, 2, pong(2))
    stream.publish(2)

    assert await take(stream.messages(), 6) == [0, 3, 4, 5, 6, 7]


async def test_what_came_over_another_gateway_does_not_come_again() -> None:
    stream = Stream()
    stream.begin(3, 3)
    stream.publish(5)

    assert await take(stream.messages(), 2) == [4, 5]


async def test_more_than_fits_while_the_missed_is_read_is_read_in_its_turn() -> None:
    stream = Stream(queue_max=4)
    stream.publish(3)
    stream.begin(3, 0)
    rounds = iter([10, 0, 0, 7])
    stream.during_reading = lambda: stream.publish(next(rounds, 0))
    messages = stream.messages()

    assert await take(messages, 20) == list(range(1, 21))
    stream.publish(2)
    assert await take(messages, 2) == [21, 22]
    assert stream.readings == [(0, 3), (3, 13), (13, 20)]
    assert stream.endings == []


async def test_what_a_door_had_to_say_is_said_all_the_same() -> None:
    stream = Stream(queue_max=4)
    stream.publish(1)
    stream.begin(1, 0)

    def overflow() -> None:
        stream.during_reading = lambda: None
        stream.publish(2)
        stream.subscriber.offer(pong(3))
        stream.publish(6)

    stream.during_reading = overflow
    messages = stream.messages()

    assert await take(messages, 10) == [*range(1, 10), 0]


async def test_a_full_queue_ends_it_once_and_is_not_kept() -> None:
    stream = Stream(queue_max=4)
    stream.begin(0, 0)
    messages = stream.messages()
    stream.publish(2)
    assert await take(messages, 1) == [1]

    stream.publish(100)

    assert stream.endings == [SLOW_READER]
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(messages), 5)
    stream.publish(1)
    stream.subscriber.end(SLOW_READER)
    assert stream.endings == [SLOW_READER]


async def test_who_waits_is_woken_by_the_end() -> None:
    stream = Stream()
    stream.begin(0, 0)
    waiting = asyncio.ensure_future(anext(stream.messages(), None))
    await asyncio.sleep(0)
    stream.subscriber.end(SLOW_READER)

    assert await asyncio.wait_for(waiting, 5) is None
