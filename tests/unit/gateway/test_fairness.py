"""While a large body is at work, everybody else gets a turn after each part of it."""

import asyncio

import httpx
import pytest

from pipeline.events.splitting import STEP_BYTES
from tests.unit.builders import as_json, good_event
from tests.unit.gateway.fakes import RecordingPublisher

EVENTS = 25_000
EVENT = as_json(good_event("facebook", "bottom"))
ARRAY = b"[" + b",".join([EVENT] * EVENTS) + b"]"

BODIES = {
    "an array": (ARRAY, "application/json"),
    "an array, printed": (b"[\n" + b" ,\n ".join([EVENT] * EVENTS) + b"\n]", "application/json"),
    "events": (b'{"events":' + ARRAY + b"}", "application/json"),
    "lines": (b"\n".join([EVENT] * EVENTS), "application/x-ndjson"),
    "text that must be looked at": (
        ARRAY.replace(b"Ada", rb"\ud83d\uded2"),
        "application/json",
    ),
}


@pytest.mark.parametrize(("body", "content_type"), BODIES.values(), ids=BODIES)
async def test_others_get_a_turn_after_each_part_of_a_large_body(
    client: httpx.AsyncClient, publisher: RecordingPublisher, body: bytes, content_type: str
) -> None:
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    ticker = asyncio.create_task(tick())
    response = await client.post("/events", content=body, headers={"content-type": content_type})
    ticker.cancel()
    assert response.json()["accepted"] == EVENTS
    assert len(publisher.published) == EVENTS
    assert turns >= len(body) // (STEP_BYTES + len(EVENT))
