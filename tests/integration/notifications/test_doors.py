"""Who is let in, what they may follow, and what everybody else is told: the close codes and statuses of the doors."""

import asyncio
import time
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from pipeline.stream import NotificationPublisher
from tests.integration.notifications.clients import SECRET, Client, address, event_stream, open_client, token
from tests.processes import Process, Services


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"sub": "u-1", "aud": "sluice", "iss": "sluice", "exp": now + 600, **changes}


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm=algorithm)


BAD_TOKENS = {
    "none at all": "",
    "expired": signed(exp=int(time.time()) - 3600),
    "not yet valid": signed(nbf=int(time.time()) + 3600),
    "another audience": signed(aud="others"),
    "another issuer": signed(iss="others"),
    "unsigned": jwt.encode(claims(), "", algorithm="none"),
    "signed by somebody else": signed(secret="a secret of somebody else, long enough"),
    "no token": "x.y.z",
}


@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_a_token_that_is_not_accepted(name: str, shared_gateway: Process) -> None:
    bad = BAD_TOKENS[name]
    first = Client(await connect(address(shared_gateway)))
    await first.say(type="auth", token=bad)
    assert (await first.closed())[0] == 4401
    assert first.messages == []

    if bad:
        offered = [Subprotocol("sluice.v1"), Subprotocol(f"bearer.{bad}")]
        second = Client(await connect(address(shared_gateway), subprotocols=offered))
        assert (await second.closed())[0] == 4401

    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {bad}"} if bad else {}
        answer = await http.get(f"{shared_gateway.url}/notifications/stream", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_in_the_subprotocol_is_never_sent_back(shared_gateway: Process) -> None:
    offered = [Subprotocol(f"bearer.{token('u-1')}"), Subprotocol("sluice.v1")]
    client = Client(await connect(address(shared_gateway), subprotocols=offered))

    assert (await client.told("ready"))["user"] == "u-1"
    assert client.socket.subprotocol == "sluice.v1"
    await client.end()


async def test_a_token_that_is_too_long(services: Services) -> None:
    gateway = services.gateway(JWT_SIZE_LIMIT="1kb")
    long = signed(padding="x" * 1500)
    first = Client(await connect(address(gateway)))
    await first.say(type="auth", token=long)
    assert await first.closed() == (4401, "the token is not accepted: too long")
    second = Client(await connect(address(gateway), subprotocols=[Subprotocol(f"bearer.{long}")]))
    assert await second.closed() == (4401, "the token is not accepted: too long")

    # One that is longer than a line of a handshake may be.
    with pytest.raises(InvalidStatus) as refused:
        offered = [Subprotocol(f"bearer.{signed(padding='x' * 9000)}")]
        await connect(address(gateway), subprotocols=offered)
    assert refused.value.response.status_code == 400


@pytest.mark.parametrize("name", ["token", "access_token", "JWT"])
async def test_a_token_in_the_address_is_refused_however_good_it_is(
    name: str, shared_gateway: Process
) -> None:
    query = f"?{name}={token('u-1')}"
    client = Client(await connect(address(shared_gateway, query)))
    assert await client.closed() == (4400, "a token does not belong into an address")

    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {token('u-1')}"}
        answer = await http.get(f"{shared_gateway.url}/notifications/stream{query}", headers=headers)
    assert answer.status_code == 400
    assert token("u-1") not in answer.text


async def test_who_says_nothing_is_not_waited_for(services: Services) -> None:
    gateway = services.gateway(NOTIFICATION_TOKEN_SECONDS="0.3")
    client = Client(await connect(address(gateway)))
    assert (await client.closed())[0] == 4401


async def test_what_other_users_are_told_cannot_be_followed(
    gateway: Process, publisher: NotificationPublisher
) -> None:
    client = await open_client(gateway, "u-1")
    for topic in ("user:u-2", "user:*", "user:u-1"):
        await client.say(type="subscribe", topic=topic)
        error = await client.until(
            lambda client, topic=topic: next((m for m in client.messages if m.get("topic") == topic), None)
        )
        assert (error["type"], error["code"]) == ("error", 4403)
    # Names that would be other subjects of the stream, if they were not taken as names.
    for number, topic in enumerate(("post:>", "post:*", "post:1.user.u-2")):
        await client.say(type="subscribe", topic=topic)
        await client.until(lambda c, n=number: sum(m["type"] == "subscribed" for m in c.messages) == n + 1)

    await publisher.publish(to_users=["u-2"], topics=["post:1"], body={"kind": "LIKE"}, message_id="m")
    await publisher.publish(to_users=["u-1"], body={"kind": "LIKE"}, message_id="n")

    await client.until(lambda client: client.notifications)
    assert len(client.notifications) == 1
    assert "topic" not in client.notifications[0]
    await client.end()


async def test_another_users_stream_is_forbidden_at_the_door_too(shared_gateway: Process) -> None:
    client = Client(await connect(address(shared_gateway)))
    await client.say(type="auth", token=token("u-1"), topics=["user:u-2"])
    assert (await client.closed())[0] == 4403

    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {token('u-1')}"}
        url = f"{shared_gateway.url}/notifications/stream"
        assert (await http.get(url, params={"topic": "user:u-2"}, headers=headers)).status_code == 403
        assert (await http.get(url, params={"topic": "alerts"}, headers=headers)).status_code == 403
        assert (await http.get(url, params={"topic": "nonsense"}, headers=headers)).status_code == 404
        assert (await http.get(url, params={"since": "-1"}, headers=headers)).status_code == 400


async def test_alerts_take_a_scope(gateway: Process, publisher: NotificationPublisher) -> None:
    nobody, watcher = await open_client(gateway, "u-1"), await open_client(gateway, "u-2", "alerts:read")
    for client in (nobody, watcher):
        await client.say(type="subscribe", topic="alerts")
    assert (await nobody.told("error"))["code"] == 4403
    await watcher.told("subscribed")

    await publisher.publish(topics=["alerts"], body={"kind": "FRAUD"}, message_id="m")

    assert (await watcher.told("notification"))["kind"] == "FRAUD"
    await nobody.settle()
    assert nobody.notifications == []
    await nobody.end()
    await watcher.end()


async def test_a_connection_ends_with_its_token_unless_it_is_renewed(services: Services) -> None:
    gateway = services.gateway(JWT_LEEWAY_SECONDS="0")
    ended, renewed = [Client(await connect(address(gateway))) for _ in range(2)]
    for client in (ended, renewed):
        await client.say(type="auth", token=token("u-1", "alerts:read", ttl_seconds=2), topics=["alerts"])
        await client.told("ready")
    await renewed.say(type="auth", token=token("u-2"))
    assert (await renewed.told("error"))["code"] == 4403, "a token of another user"
    await renewed.say(type="auth", token=token("u-1"))
    await renewed.told("authenticated")

    async with event_stream(gateway, "u-1") as events:
        await anext(events)
    assert await ended.closed() == (4401, "the token has expired")
    await renewed.settle()
    await renewed.end()


@pytest.mark.parametrize(
    "said", ["not JSON", '{"type": "unknown"}', '{"type": "subscribe"}', '{"type": "ping"}', "[]", b"\x00"]
)
async def test_what_is_not_understood_before_the_token(said: str | bytes, shared_gateway: Process) -> None:
    client = Client(await connect(address(shared_gateway)))
    await client.socket.send(said)
    assert (await client.closed())[0] == 4400


async def test_messages_that_are_too_large_or_too_many(shared_gateway: Process) -> None:
    large = await open_client(shared_gateway, "u-1")
    await large.socket.send("x" * 20_000)
    assert (await large.closed())[0] == 1009

    busy = await open_client(shared_gateway, "u-1")
    for _ in range(200):
        await busy.say(type="ping")
    assert await busy.closed() == (4429, "too many messages")


async def test_topics_and_connections_of_a_user_have_limits(services: Services) -> None:
    gateway = services.gateway(NOTIFICATION_TOPICS_MAX="2", NOTIFICATION_CONNECTIONS_PER_USER="2")
    client = await open_client(gateway, "u-1", topics=("post:1", "post:2", "post:1"))
    await client.say(type="subscribe", topic="post:3")
    assert (await client.told("error"))["code"] == 4400
    await client.say(type="subscribe", topic="post:2")
    await client.told("subscribed")
    await client.say(type="unsubscribe", topic="post:1")
    await client.say(type="subscribe", topic="post:3")
    await client.until(lambda client: [m for m in client.messages if m.get("topic") == "post:3"][1:])

    second = await open_client(gateway, "u-1")
    third = Client(await connect(address(gateway)))
    await third.say(type="auth", token=token("u-1"))
    assert (await third.closed())[0] == 4429
    await second.end()
    fourth = await open_client(gateway, "u-1")
    for open_one in (client, fourth):
        await open_one.end()


async def test_the_doors_are_closed_while_there_is_no_key(services: Services) -> None:
    gateway = services.gateway(JWT_SECRET="")
    with pytest.raises(InvalidStatus) as refused:
        await connect(address(gateway))
    assert refused.value.response.status_code == 503
    assert b"not-configured" in (refused.value.response.body or b"")

    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{gateway.url}/notifications/stream")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:sluice:problem:not-configured")


async def test_no_websocket_anywhere_else(shared_gateway: Process) -> None:
    for path in ("/", "/events", "/ws/", "/health/live"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://127.0.0.1:{shared_gateway.port}{path}")
        assert refused.value.response.status_code == 404


async def test_who_does_not_answer_pings_is_let_go(services: Services) -> None:
    gateway = services.gateway(WEBSOCKET_PING_SECONDS="0.3", WEBSOCKET_PONG_SECONDS="0.5")
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answering = await open_client(gateway, "u-1")
    async with asyncio.timeout(10):
        while await reader.read(1024):
            pass
    writer.close()
    await answering.settle()
    await answering.end()


async def test_the_handshake_carries_the_correlation_id(shared_gateway: Process) -> None:
    socket = await connect(address(shared_gateway), additional_headers={"X-Correlation-ID": "call-17"})
    assert socket.response is not None
    assert socket.response.headers["X-Correlation-ID"] == "call-17"
    await socket.close()


async def test_websockets_have_a_limit_of_their_own(services: Services) -> None:
    gateway = services.gateway(WEBSOCKETS_MAX="2")
    clients = [await open_client(gateway, f"u-{number}") for number in range(2)]
    with pytest.raises(InvalidStatus) as refused:
        await connect(address(gateway))
    assert refused.value.response.status_code == 503
    assert b"WEBSOCKETS_MAX" in (refused.value.response.body or b"")
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{gateway.url}/metrics")).text
    assert 'websockets_open{service="gateway"} 2.0' in metrics

    for client in clients:
        await client.end()
    another = await open_client(gateway, "u-3")
    await another.end()
