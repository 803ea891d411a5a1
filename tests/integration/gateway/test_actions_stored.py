"""From `POST /api/events` to rows in Postgres: what is sent again, and what was refused and replayed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import nats
import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.chassis.tokens import TokenSettings, mint
from tests.processes import Process, Services, connections, eventually
from tests.streams import delete_streams

TOKENS = TokenSettings(jwt_secret=("a-secret-of-at-least-thirty-two-bytes",))
OPERATOR = {"authorization": "Bearer an-operators-key"}
SETTINGS = {
    "JWT_SECRET": TOKENS.jwt_secret[0],
    "OPERATOR_API_KEYS": "an-operators-key",
    "RATE_LIMIT_PER_ADDRESS": "0",
}


@pytest.fixture
async def streams(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def services(
    tmp_path: Path,
    nats_server: RunningServer,
    redis_server: RunningServer,
    streams: Client,
    database_url: str,
) -> Iterator[Services]:
    urls = connections(nats_server, redis_server, database_url=database_url)
    with Services(tmp_path, {**urls, **SETTINGS}) as services:
        yield services


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Reads the tables, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


async def post(
    http: httpx.AsyncClient, gateway: Process, user: str, *actions: dict[str, Any]
) -> httpx.Response:
    body = [{"userId": user, "postId": "p-1", **action} for action in actions]
    headers = {"Authorization": f"Bearer {mint(TOKENS, user, (), 60)}"}
    return await http.post(f"{gateway.url}/api/events", json=body, headers=headers)


async def test_sent_again_it_is_stored_once_for_each_user(
    services: Services, http: httpx.AsyncClient, look: asyncpg.Connection
) -> None:
    services.collector("social", ready=False)
    gateway = services.gateway()
    like, last = {"type": "like", "id": "1"}, {"type": "comment", "text": "the end", "id": "end"}

    for user in ("ada", "bob", "ada", "bob", "ada"):
        assert (await post(http, gateway, user, like)).json()["accepted"] == 1
    # In one request the order of an array is the order of what happened.
    await post(
        http, gateway, "cyd", {"type": "like"}, {"type": "unlike"}, {"type": "like"}, {"type": "unlike"}
    )
    await post(http, gateway, "dan", last)

    async def all_stored() -> None:
        assert await look.fetchval("SELECT count(*) FROM social_comments") == 1

    await eventually(all_stored, within_seconds=30)
    likes = {row["user_id"]: row["liked"] for row in await look.fetch("SELECT * FROM social_likes")}
    assert likes == {"ada": True, "bob": True, "cyd": False}
    assert await look.fetchval("SELECT count(*) FROM events WHERE source = 'social'") == 7
    addresses = {
        row["address"] for row in await look.fetch("SELECT payload ->> 'address' AS address FROM events")
    }
    [address] = addresses
    assert len(address) == 32
    assert "." not in address


async def test_what_was_refused_is_replayed_in_the_name_of_its_sender(
    services: Services, http: httpx.AsyncClient, look: asyncpg.Connection
) -> None:
    services.collector("social", ready=False)
    strict, gateway = services.gateway(ready=True, EVENT_SIZE_LIMIT="300b"), services.gateway()
    long = {"type": "comment", "text": "long " * 100, "id": "long"}

    refused = await post(http, strict, "ada", long)
    assert refused.json()["errors"][0]["reason"] == "too_large"
    replayed = await http.post(
        f"{gateway.url}/operator/dead-letters/replay", json={"source": "social"}, headers=OPERATOR
    )
    assert replayed.json()["replayed"] == 1, replayed.text
    assert (await post(http, gateway, "ada", long)).status_code == 202, "it is the same event"
    await post(http, gateway, "ada", {"type": "comment", "text": "the end"})

    async def all_stored() -> None:
        assert await look.fetchval("SELECT count(*) FROM social_comments WHERE text = 'the end'") == 1

    await eventually(all_stored, within_seconds=30)
    comments = await look.fetch("SELECT user_id, text FROM social_comments WHERE text <> 'the end'")
    assert [(row["user_id"], row["text"]) for row in comments] == [("ada", long["text"])]
