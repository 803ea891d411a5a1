"""Every signed request of `tests/data/webhook_vectors.json` through the real routes, in front of a real JetStream.

A case brings its own secret, its own time and the verdict that the provider's documents give. What is believed is
answered with success and is in a stream afterwards, as an event or as a dead letter; what is not is 401 and in none.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client

from collectors.registry import SOURCES
from gateway.app import create_gateway
from gateway.settings import GatewaySettings
from ops.local.servers import RunningServer
from pipeline.chassis.settings import load_settings
from pipeline.events.dead_letter_batch import read_letters
from pipeline.stream import StreamConnection, StreamSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

Case = Mapping[str, Any]
CASES: list[Case] = json.loads(
    (Path(__file__).parents[2] / "data" / "webhook_vectors.json").read_text(encoding="utf-8")
)
PATHS = {
    "meta": "facebook",
    "meta_handshake": "facebook",
    "tiktok": "tiktok",
    "tiktok_shop": "tiktok-shop",
    "standard_webhooks": "vectors",
}


def secrets_of(case: Case) -> list[str]:
    return case.get("secrets") or [case["secret"]]


ENVIRONMENTS: dict[str, Callable[[Case], dict[str, str]]] = {
    "meta": lambda case: {"FACEBOOK_APP_SECRETS": ",".join(secrets_of(case))},
    "meta_handshake": lambda case: {"FACEBOOK_VERIFY_TOKEN": case["secret"]},
    "tiktok": lambda case: {
        "TIKTOK_CLIENT_SECRETS": ",".join(secrets_of(case)),
        "TIKTOK_SIGNATURE_TOLERANCE_SECONDS": str(case["tolerance_s"]),
    },
    "tiktok_shop": lambda case: {
        "TIKTOK_SHOP_APP_KEY": case["app_key"],
        "TIKTOK_SHOP_APP_SECRETS": ",".join(secrets_of(case)),
    },
    "standard_webhooks": lambda case: {
        "WEBHOOK_SECRETS": ",".join(f"vectors:{secret}" for secret in secrets_of(case)),
        "WEBHOOK_TOLERANCE_SECONDS": str(case["tolerance_s"]),
    },
}


def name_of(case: Case) -> str:
    return f"{case['provider']}-{case['case']}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def connection(nats_server: RunningServer) -> AsyncIterator[StreamConnection]:
    """The gateway's connection; the streams exist."""
    connection = StreamConnection(StreamSettings(nats_url=nats_server.url), "gateway")
    stop = asyncio.Event()
    task = asyncio.create_task(connection.run(stop))
    await asyncio.wait_for(connection.ready(), 10)
    yield connection
    stop.set()
    await task
    await connection.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def streams(nats_server: RunningServer, connection: StreamConnection) -> AsyncIterator[Client]:
    """A plain client that looks at what is in the streams."""
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


async def send(case: Case, connection: StreamConnection) -> httpx.Response:
    """The request, byte for byte, at the time of the case, to a gateway with its secrets."""
    environment = ENVIRONMENTS[case["provider"]](case)
    app, _loops = create_gateway(
        SOURCES,
        GatewaySettings(),
        connection,
        credentials={
            webhook.name: load_settings(webhook.credentials, environment)
            for source in SOURCES.values()
            for webhook in source.webhooks
        },
        clock=lambda: datetime.fromtimestamp(case["now"], UTC),
    )
    transport: Any = httpx.ASGITransport(app=app)  # type: ignore[arg-type] # the same protocol, typed twice
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        query = f"?{case['query']}" if "query" in case else ""
        headers = [(name.encode(), value.encode()) for name, value in case["headers"].items()]
        return await client.request(
            case["method"],
            f"/webhooks/{PATHS[case['provider']]}{query}",
            content=base64.b64decode(case["body_b64"]),
            headers=headers,
        )


async def purge(streams: Client) -> None:
    for name in ("EVENTS", "DEAD_LETTERS"):
        await streams.jetstream().purge_stream(name)


async def payloads(streams: Client, stream: str) -> list[bytes]:
    """The bodies of all messages in a stream that was empty before the case."""
    state = (await streams.jetstream().stream_info(stream)).state
    if not state.messages:
        return []
    return [
        (await streams.jetstream().get_msg(stream, seq=sequence)).data or b""
        for sequence in range(state.first_seq, state.last_seq + 1)
    ]


DELIVERIES = [case for case in CASES if case["provider"] != "meta_handshake"]


@pytest.mark.parametrize("case", DELIVERIES, ids=name_of)
async def test_the_verdict_of_a_delivery(case: Case, connection: StreamConnection, streams: Client) -> None:
    await purge(streams)

    answer = await send(case, connection)
    events = await payloads(streams, "EVENTS")
    letters = [
        letter
        for message in await payloads(streams, "DEAD_LETTERS")
        for letter in read_letters(message) or []
    ]

    if not case["valid"]:
        assert answer.status_code == 401, case["why"]
        assert (events, letters) == ([], [])
        return
    assert answer.status_code == (202 if case["provider"] == "standard_webhooks" else 200), case["why"]
    body = base64.b64decode(case["body_b64"])
    if "poison" in case:
        assert (events, [letter.raw for letter in letters]) == ([], [body]), case["why"]
    elif b'"entry": []' in body:
        assert (events, letters) == ([], [])
    else:
        assert (len(events), letters) == (1, []), case["why"]
    if expected := case.get("expect_object_id"):
        assert f":{expected}".encode() in events[0]
    if case["provider"] == "tiktok_shop":
        assert answer.content == b""


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["provider"] == "meta_handshake"], ids=name_of
)
async def test_the_verdict_of_a_handshake(case: Case, connection: StreamConnection) -> None:
    answer = await send(case, connection)

    assert answer.status_code == case["expect_status"], case["why"]
    if case["valid"]:
        assert answer.text == case["expect_body"]
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_all_of_them_are_here() -> None:
    assert len(CASES) == 52
    assert {case["provider"] for case in CASES} == set(PATHS)


async def test_refusals_differ_in_nothing(connection: StreamConnection) -> None:
    answers = [await send(case, connection) for case in DELIVERIES if not case["valid"]]

    assert len({answer.content for answer in answers}) == 1
    different = [
        {name: value for name, value in answer.headers.items() if name != "x-correlation-id"}
        for answer in answers
    ]
    assert all(headers == different[0] for headers in different)
