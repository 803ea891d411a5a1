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


async def test_others_get_a_turn_while_many_bad_events_are_kept(
    client: httpx.AsyncClient, publisher: RecordingPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = most = 0

    def counted_id() -> str:
        nonlocal made
        made += 1
        return f"letter-{len(publisher.letters)}"

    async def tick() -> None:
        nonlocal made, most
        while True:
            most, made = max(most, made), 0
            await asyncio.sleep(0)

    monkeypatch.setattr("pipeline.events.dead_letter.new_dead_letter_id", counted_id)
    ticker = asyncio.create_task(tick())
    body = b"[" + b",".join([b'{"eventId":"bad"}'] * 5_000) + b"]"
    response = await client.post("/events", content=body, headers={"content-type": "application/json"})
    ticker.cancel()
    assert response.status_code == 400
    assert len(publisher.letters) == 5_000
    assert 0 < most <= 256
