"""Clients come back and are told what they have missed: nothing is missed and nothing comes twice."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

import pytest
from nats.aio.client import Client as NatsClient

from ops.local.servers import RunningServer
from pipeline.errors import StreamUnavailable
from pipeline.stream import Notice, NotificationPublisher, user_subject
from tests.integration.notifications.clients import event_stream, open_client
from tests.integration.notifications.conftest import publishing
from tests.integration.notifications.following import Follower
from tests.integration.notifications.test_slow_readers import comment, open_stuck
from tests.processes import Process, Services

pytestmark = pytest.mark.exhaustive

_numbers = itertools.count(1)


async def tell(publisher: NotificationPublisher, user: str, count: int = 1, topic: str = "") -> list[int]:
    """Tells a user, or a topic, so many things; returns their numbers."""
    numbers = [next(_numbers) for _ in range(count)]
    for number in numbers:
        to = {"topics": [topic]} if topic else {"to_users": [user]}
        await publisher.publish(**to, body={"kind": "LIKE", "n": number}, message_id=f"m-{number}")
    return numbers


def numbers_of(messages: list[dict[str, int]]) -> list[int]:
    return [message["n"] for message in messages]


async def test_what_was_missed_comes_first_and_in_order_with_topics_between(
    gateway: Process, publisher: NotificationPublisher
) -> None:
    client = await open_client(gateway, "u-1", topics=("post:1",))
    seen = await tell(publisher, "u-1", 3)
    await client.until(lambda client: len(client.notifications) == 3)
    await client.end()

    missed: list[int] = []
    for _ in range(100):
        missed += await tell(publisher, "u-1")
        missed += await tell(publisher, "", topic="post:1")
        await tell(publisher, "u-2")
        await tell(publisher, "", topic="post:2")
    again = await open_client(gateway, "u-1", since=client.since, topics=("post:1",))
    missed += await tell(publisher, "u-1", 5)

    await again.until(lambda client: len(client.notifications) == len(missed))
    await again.settle()
    assert numbers_of(client.notifications) == seen
    assert numbers_of(again.notifications) == missed
    await again.end()


async def test_who_saw_nothing_comes_back_with_the_id_of_ready_or_pong(
    gateway: Process, publisher: NotificationPublisher
) -> None:
    client = await open_client(gateway, "u-1")
    await tell(publisher, "u-2", 3)
    await client.settle()
    await client.end()
    missed = await tell(publisher, "u-1", 2)

    for since in (client.messages[0]["id"], client.messages[-1]["id"]):
        again = await open_client(gateway, "u-1", since=since)
        await again.until(lambda client: len(client.notifications) == 2)
        assert numbers_of(again.notifications) == missed
        await again.end()


async def test_a_stream_of_events_resumes_by_its_last_event_id(
    gateway: Process, publisher: NotificationPublisher
) -> None:
    client = await open_client(gateway, "u-1")
    await client.end()
    missed = await tell(publisher, "u-1", 3)

    async with event_stream(gateway, "u-1", **{"Last-Event-ID": client.since}) as events:
        told = [await anext(events) for _ in range(5)][2:]
    assert numbers_of([event["data"] for event in told]) == missed
    async with event_stream(gateway, "u-1", **{"Last-Event-ID": told[1]["id"]}) as events:
        assert [await anext(events) for _ in range(3)][2]["data"]["n"] == missed[2]


async def test_an_id_from_the_future_is_a_gap_and_what_comes_next_is_told(
    gateway: Process, publisher: NotificationPublisher
) -> None:
    await tell(publisher, "u-1", 2)
    client = await open_client(gateway, "u-1", since="1000000")
    assert (await client.told("gap"))["reason"] == "unknown"

    told = await tell(publisher, "u-1", 2)

    await client.until(lambda client: len(client.notifications) == 2)
    assert numbers_of(client.notifications) == told
    await client.end()


async def test_an_id_that_is_older_than_the_stream_is_a_gap_before_what_is_left(
    gateway: Process, publisher: NotificationPublisher, jetstream_client: NatsClient
) -> None:
    first = await open_client(gateway, "u-1")
    await tell(publisher, "u-1", 5)
    await first.until(lambda client: len(client.notifications) == 5)
    await first.end()
    ids = [message["id"] for message in first.notifications]
    left = await tell(publisher, "u-1", 3)
    await jetstream_client.jetstream().purge_stream("NOTIFICATIONS", keep=3)
    # The gateway may know for a second what the stream held.
    await asyncio.sleep(1.1)

    whole = await open_client(gateway, "u-1", since=ids[4])
    await whole.until(lambda client: len(client.notifications) == 3)
    assert [message for message in whole.messages if message["type"] == "gap"] == []
    torn = await open_client(gateway, "u-1", since=ids[2])
    await torn.until(lambda client: len(client.notifications) == 3)

    assert [message["type"] for message in torn.messages] == ["ready", "gap", *["notification"] * 3]
    assert torn.messages[1] == {"type": "gap", "id": ids[4], "reason": "expired"}
    assert numbers_of(torn.notifications) == left
    await whole.end()
    await torn.end()


async def test_who_was_away_for_long_is_told_everything_while_more_comes_in(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateway = services.gateway(NOTIFICATION_QUEUE_MAX="20")
    first = await open_client(gateway, "u-1")
    await first.end()
    missed = await tell(publisher, "u-1", 1500)

    again = await open_client(gateway, "u-1", since=first.since)
    missed += await tell(publisher, "u-1", 300)

    await again.until(lambda client: len(client.notifications) == len(missed), within_seconds=30)
    assert numbers_of(again.notifications) == missed
    await again.end()


async def test_a_gateway_that_stops_says_so_to_everybody_even_to_who_does_not_read(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateway = services.gateway()
    clients = [await open_client(gateway, f"u-{number}") for number in range(3)]
    stuck = await open_stuck(gateway, "stuck")
    await publisher.publish_all([Notice(user_subject("stuck"), comment(n, 4000)) for n in range(200)], "m")
    async with event_stream(gateway, "u-9") as events:
        await anext(events)
        await anext(events)
        begun = time.monotonic()
        gateway.terminate()

        assert (await anext(events))["data"]["code"] == 1012
        with pytest.raises(StopAsyncIteration):
            await anext(events)
    for client in clients:
        assert (await client.closed())[0] == 1012
    assert await asyncio.to_thread(gateway.wait) == 0
    assert time.monotonic() - begun < 8
    stuck.go_on_reading()
    await stuck.closed()


async def test_many_users_at_two_gateways_one_of_which_is_killed_and_one_restarted(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateways = [services.gateway(), services.gateway()]
    await follow_through(gateways, publisher, users=50, breaking=lambda: break_both(gateways))


async def break_both(gateways: list[Process]) -> None:
    first, second = gateways
    await asyncio.sleep(1)
    first.kill()
    await asyncio.to_thread(first.start)
    await asyncio.sleep(1)
    second.terminate()
    await asyncio.to_thread(second.wait)
    await asyncio.to_thread(second.start)
    await asyncio.sleep(0.5)


async def test_one_gateway_that_is_killed_and_started_again(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateway = services.gateway()

    async def kill() -> None:
        await asyncio.sleep(1)
        gateway.kill()
        await asyncio.to_thread(gateway.start)
        await asyncio.sleep(0.5)

    await follow_through([gateway], publisher, users=50, breaking=kill)


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_nats_goes_away_while_clients_are_connected(
    how: str, services: Services, own_nats: RunningServer
) -> None:
    gateway = services.gateway(NATS_URL=own_nats.url, NATS_PING_INTERVAL_SECONDS="1")

    async def restart() -> None:
        await asyncio.sleep(1)
        if how == "kill":
            own_nats.kill()
            await asyncio.sleep(1)
            await asyncio.to_thread(own_nats.start)
        else:
            own_nats.pause()
            await asyncio.sleep(4)
            await asyncio.to_thread(own_nats.resume)
        await asyncio.sleep(2)

    async with publishing(own_nats) as publisher:
        await follow_through([gateway], publisher, users=20, breaking=restart)


async def follow_through(
    gateways: list[Process],
    publisher: NotificationPublisher,
    users: int,
    breaking: Callable[[], Awaitable[None]],
) -> None:
    """Tells all users, and a topic, something all the time while something breaks; everybody is told all of it once."""
    followers = [Follower(f"u-{number}", gateways, ("post:1",)) for number in range(users)]
    for follower in followers:
        await asyncio.wait_for(follower.ready.wait(), 20)
    expected: dict[str, list[int]] = {follower.user: [] for follower in followers}
    done = asyncio.Event()

    async def keep_telling() -> None:
        for number in itertools.count():
            if done.is_set():
                return
            users = [f"u-{(number + k) % len(followers)}" for k in range(7)]
            await tell_until_it_is_there(publisher, users, number)
            for user in [*users, *expected]:
                expected[user].append(number)
            await asyncio.sleep(0.005)

    telling = asyncio.create_task(keep_telling())
    await breaking()
    done.set()
    await telling

    async with asyncio.timeout(40):
        for follower in followers:
            await follower.caught_up(len(expected[follower.user]))
    for follower in followers:
        await follower.end()
        told = [message["n"] for message in follower.told]
        assert sorted(told) == sorted(expected[follower.user])
        ids = [int(message["id"]) for message in follower.told]
        assert ids == sorted(set(ids))
        assert [message for message in follower.messages if message["type"] == "gap"] == []


async def tell_until_it_is_there(publisher: NotificationPublisher, users: list[str], number: int) -> None:
    body = {"kind": "LIKE", "n": number}
    async with asyncio.timeout(30):
        while True:
            try:
                await publisher.publish(
                    to_users=users, topics=["post:1"], body=body, message_id=f"k-{number}"
                )
                return
            except StreamUnavailable:  # the test's NATS is away: again, with the same id
                await asyncio.sleep(0.1)
