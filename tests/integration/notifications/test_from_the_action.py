"""From a like to the owner's connection: gateway, collector, Postgres, stream, gateway."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from nats.aio.client import Client as NatsClient

from ops.local.servers import RunningServer
from tests.integration.notifications.clients import SECRET, Client, open_client, token
from tests.processes import Process, Services, connections, eventually

_numbers = itertools.count(1)


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, jetstream_client: NatsClient, database_url: str
) -> Iterator[Services]:
    urls = connections(nats_server, database_url=database_url)
    settings = {**urls, "JWT_SECRET": SECRET, "RATE_LIMIT_PER_USER": "0", "RATE_LIMIT_PER_ADDRESS": "0"}
    with Services(tmp_path, {**settings, "DATABASE_URL": database_url}) as services:
        yield services


async def act(gateway: Process, *actions: dict[str, Any]) -> None:
    """Sends actions of any users, each with an id."""
    items = [{"id": f"e-{next(_numbers)}", **action} for action in actions]
    headers = {"Authorization": f"Bearer {token('back-end', 'events:write:any')}"}
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.post(f"{gateway.url}/api/events", json=items, headers=headers)
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == len(items), answer.text


def like(user: str, post: str = "p-1") -> dict[str, str]:
    return {"type": "like", "userId": user, "postId": post}


async def test_the_owner_is_told_who_did_what_and_followers_what_changed(services: Services) -> None:
    gateway = services.gateway()
    services.collector("social")
    owner = await open_client(gateway, "owner")
    follower = await open_client(gateway, "somebody", topics=("post:p-1",))

    await act(
        gateway,
        {"type": "post", "userId": "owner", "postId": "p-1", "text": "hello"},
        like("ann"),
        like("owner"),
        {"type": "comment", "userId": "bob", "postId": "p-1", "text": "first"},
        {"type": "share", "userId": "ann", "postId": "p-1"},
        {"type": "follow", "userId": "ann", "targetUserId": "owner"},
    )

    await owner.until(lambda client: len(client.notifications) == 4)
    told = {message["kind"]: message for message in owner.notifications}
    assert {kind: message["from"] for kind, message in told.items()} == {
        "LIKE": "ann", "COMMENT": "bob", "SHARE": "ann", "FOLLOW": "ann"
    }  # fmt: skip
    assert told["COMMENT"]["text"] == "first"
    assert told["LIKE"]["postId"] == "p-1"
    await follower.until(lambda client: sum(m["likes"] for m in client.notifications) == 2)
    assert sum(message["comments"] for message in follower.notifications) == 1
    assert sum(message["shares"] for message in follower.notifications) == 1
    assert {message["topic"] for message in follower.notifications} == {"post:p-1"}
    await owner.end()
    await follower.end()


@pytest.mark.slow
@pytest.mark.exhaustive
async def test_two_collectors_one_of_which_is_killed_tell_everything_once(
    services: Services, database_url: str
) -> None:
    gateway = services.gateway()
    collectors = [services.collector("social") for _ in range(2)]
    owner = await open_client(gateway, "owner", topics=("post:p-1",))
    await act(gateway, {"type": "post", "userId": "owner", "postId": "p-1"})

    for part in range(40):
        await act(gateway, *(like(f"u-{part}-{number}") for number in range(10)))
        if part in (10, 25):
            collectors[part % 2].kill()
        if part == 20:
            await asyncio.to_thread(collectors[0].start)

    await all_told(owner, 400)
    await eventually(lambda: outbox_is_empty(database_url))
    await owner.settle()
    likers = [message["from"] for message in owner.notifications if message["kind"] == "LIKE"]
    assert sorted(likers) == sorted(f"u-{part}-{number}" for part in range(40) for number in range(10))
    assert sum(message["likes"] for message in owner.notifications if "topic" in message) == 400
    await owner.end()


@pytest.mark.exhaustive
async def test_what_a_collector_has_left_is_told_by_another(services: Services, database_url: str) -> None:
    gateway = services.gateway()
    owner = await open_client(gateway, "owner")
    left = {"type": "LIKE", "to": "owner", "from": "ann", "at": "2026-11-20T12:00:00Z", "eventId": "e-1"}
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO notification_outbox (writer, body) VALUES (-1, $1)",
        json.dumps({"users": [left], "posts": []}),
    )
    await connection.close()

    services.collector("social")

    await owner.until(lambda client: client.notifications, within_seconds=20)
    assert owner.notifications[0]["from"] == "ann"
    await eventually(lambda: outbox_is_empty(database_url))
    await owner.end()


async def all_told(owner: Client, likes: int) -> None:
    await owner.until(
        lambda client: sum(message["kind"] == "LIKE" for message in client.notifications) >= likes,
        within_seconds=40,
    )


async def outbox_is_empty(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM notification_outbox") == 0
    finally:
        await connection.close()
