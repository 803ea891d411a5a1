"""Who is told what: everyone what is theirs, over both doors, through several gateways."""

import asyncio

import httpx

from pipeline.stream import NotificationPublisher
from tests.integration.notifications.clients import event_stream, open_client, token
from tests.processes import Process, Services


async def test_everyone_gets_what_is_theirs_and_nothing_else(
    gateway: Process, publisher: NotificationPublisher
) -> None:
    names = ["u-1", "u.2", "u *>", "ü-3", "u%2E2", "U-1"]
    clients = [await open_client(gateway, name) for name in names]

    for number, name in enumerate(names):
        await publisher.publish(to_users=[name], body={"kind": "LIKE", "for": name}, message_id=f"m-{number}")

    for client, name in zip(clients, names, strict=True):
        await client.until(lambda client: client.notifications)
        await client.settle()
        assert [told["for"] for told in client.notifications] == [name]
        await client.end()


async def test_a_topic_is_told_to_those_who_follow_it_for_as_long_as_they_do(
    gateway: Process, publisher: NotificationPublisher
) -> None:
    follower, other = await open_client(gateway, "u-1", topics=("post:1",)), await open_client(gateway, "u-2")
    await other.say(type="subscribe", topic="post:2")
    await other.told("subscribed")

    await publisher.publish(topics=["post:1", "post:2"], body={"kind": "POST", "likes": 1}, message_id="a")
    told = await follower.until(lambda client: client.notifications)
    assert {**told[0], "id": ""} == {
        "type": "notification", "id": "", "topic": "post:1", "kind": "POST", "likes": 1
    }  # fmt: skip
    await other.until(lambda client: client.notifications)

    await other.say(type="unsubscribe", topic="post:2")
    await other.told("unsubscribed")
    await publisher.publish(topics=["post:2", "post:1"], body={"kind": "POST", "likes": 2}, message_id="b")
    await follower.until(lambda client: len(client.notifications) == 2)
    await other.settle()

    assert [told["topic"] for told in follower.notifications] == ["post:1", "post:1"]
    assert [told["topic"] for told in other.notifications] == ["post:2"]
    await follower.end()
    await other.end()


async def test_all_connections_of_a_user_are_told_at_every_gateway_in_one_order(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateways = [services.gateway(), services.gateway()]
    clients = [await open_client(gateway, "u-1") for gateway in (*gateways, *gateways)]

    for number in range(50):
        await publisher.publish(
            to_users=["u-1"], body={"kind": "LIKE", "n": number}, message_id=f"m-{number}"
        )

    for client in clients:
        await client.until(lambda client: len(client.notifications) == 50)
        assert [told["n"] for told in client.notifications] == list(range(50))
        await client.end()
    assert len({tuple(told["id"] for told in client.notifications) for client in clients}) == 1


async def test_server_sent_events_tell_the_same(gateway: Process, publisher: NotificationPublisher) -> None:
    socket = await open_client(gateway, "u-1", topics=("post:1",))
    async with event_stream(gateway, "u-1", query="?topic=post:1") as events:
        assert await anext(events) == {"retry": "2000"}
        ready = await anext(events)
        assert (ready["event"], ready["data"]["user"]) == ("ready", "u-1")

        await publisher.publish(
            to_users=["u-1", "u-2"], topics=["post:1", "post:2"], body={"kind": "LIKE"}, message_id="m"
        )
        told = [await anext(events), await anext(events)]

    await socket.until(lambda client: len(client.notifications) == 2)
    assert [event["event"] for event in told] == ["notification"] * 2
    assert [event["data"] for event in told] == socket.notifications
    assert [event["id"] for event in told] == [message["id"] for message in socket.notifications]
    await socket.end()


async def test_a_stream_of_events_is_never_silent_for_long(services: Services) -> None:
    gateway = services.gateway(EVENT_STREAM_HEARTBEAT_SECONDS="1")
    async with event_stream(gateway, "u-1") as events:
        await anext(events)
        ready = await anext(events)
        beat = await asyncio.wait_for(anext(events), 5)

    assert (beat["comment"], beat["id"]) == ("heartbeat", ready["id"])


async def test_who_has_gone_is_forgotten(gateway: Process, publisher: NotificationPublisher) -> None:
    client = await open_client(gateway, "u-1", topics=("post:1",))
    async with event_stream(gateway, "u-2") as events:
        await anext(events)
        await anext(events)
        assert await clients_of(gateway) == 2

    await client.end()
    async with asyncio.timeout(10):
        while await clients_of(gateway):
            await asyncio.sleep(0.05)


async def clients_of(gateway: Process) -> int:
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{gateway.url}/metrics")).text.splitlines()
    return int(float(next(line.split()[-1] for line in lines if line.startswith("notification_clients"))))


async def test_two_streams_of_the_limit_and_no_third(services: Services) -> None:
    gateway = services.gateway(EVENT_STREAMS_MAX="2")
    async with event_stream(gateway, "u-1") as first, event_stream(gateway, "u-2") as second:
        await anext(first)
        await anext(second)
        async with httpx.AsyncClient() as http:
            headers = {"Authorization": f"Bearer {token('u-3')}"}
            answer = await http.get(f"{gateway.url}/notifications/stream", headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "EVENT_STREAMS_MAX" in answer.json()["detail"]
