"""The door of canaries: what it lets in, how it travels, and that no counter of events moves for it."""

from typing import Any

import httpx
import msgspec
import pytest

from collectors.registry import SOURCES
from pipeline.errors import StreamUnavailable
from pipeline.events.canary import CANARY_FORMAT
from tests.unit.builders import good_event
from tests.unit.gateway.fakes import RecordingPublisher, client_of, gateway_app

CANARY: dict[str, Any] = {"source": "facebook", "sender": "0123456789abcdef", "number": 7}


async def test_a_canary_travels_alone_in_a_batch_of_its_source(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    answer = await client.post("/canaries", json=CANARY, headers={"X-Correlation-ID": "canary-x-7"})

    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    (batch,) = publisher.batches
    assert (batch.source, batch.format) == ("facebook", CANARY_FORMAT)
    assert [msgspec.json.decode(event) for event in batch.events] == [
        {"sender": "0123456789abcdef", "number": 7}
    ]
    assert batch.correlation == [("canary-x-7", 1)]


async def test_every_source_has_canaries_whatever_it_takes_by_post(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    for source in SOURCES:
        assert (await client.post("/canaries", json={**CANARY, "source": source})).status_code == 202

    assert [batch.source for batch in publisher.batches] == list(SOURCES)


async def test_no_counter_of_events_moves_for_a_canary(client: httpx.AsyncClient) -> None:
    async def figures() -> list[str]:
        text = (await client.get("/metrics")).text
        return [line for line in text.splitlines() if line.startswith(("events_", "dead_letters_"))]

    before = await figures()

    await client.post("/canaries", json=CANARY)
    await client.post("/canaries", json={**CANARY, "source": "nobody"})

    assert await figures() == before


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"source": "nobody"}, "unknown-source"),
        ({"source": "canary"}, "unknown-source"),
        ({"sender": "0123456789ABCDEF"}, "not-a-canary"),
        ({"sender": "0123456789abcdef\n"}, "not-a-canary"),
        ({"sender": "short"}, "not-a-canary"),
        ({"number": 0}, "not-a-canary"),
        ({"number": 2**63}, "not-a-canary"),
        ({"number": "7"}, "not-a-canary"),
        ({"event": {"eventId": "fb-1"}}, "not-a-canary"),
    ],
)
async def test_what_is_no_canary_goes_nowhere(
    client: httpx.AsyncClient, publisher: RecordingPublisher, changes: dict[str, Any], kind: str
) -> None:
    answer = await client.post("/canaries", json={**CANARY, **changes})

    assert (answer.status_code, answer.json()["type"]) == (400, f"urn:sluice:problem:{kind}")
    assert (publisher.batches, publisher.letters) == ([], [])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"source":"facebook"}'])
async def test_neither_does_a_body_that_cannot_be_read(
    client: httpx.AsyncClient, publisher: RecordingPublisher, body: bytes
) -> None:
    assert (await client.post("/canaries", content=body)).status_code == 400
    assert publisher.batches == []


async def test_a_large_body_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/canaries", content=b" " * 2000)).status_code == 413


async def test_jetstream_that_is_away_is_told(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    publisher.failure = StreamUnavailable("JetStream did not acknowledge in time")

    answer = await client.post("/canaries", json=CANARY)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("settings", "key", "status"),
    [
        ({}, "", 202),
        ({"ingest_api_keys": ("ingest",)}, "", 401),
        ({"ingest_api_keys": ("old", "ingest")}, "ingest", 202),
        ({"canary_keys": ("canary",)}, "", 401),
        ({"canary_keys": ("new", "canary"), "ingest_api_keys": ("ingest",)}, "canary", 202),
        ({"canary_keys": ("canary",), "ingest_api_keys": ("ingest",)}, "ingest", 401),
    ],
)
async def test_which_keys_open_the_door(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], key: str, status: int
) -> None:
    publisher = RecordingPublisher()
    async with client_of(gateway_app(monkeypatch, publisher, **settings)) as client:
        answer = await client.post("/canaries", json=CANARY, headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == status
    assert len(publisher.batches) == (status == 202)


async def test_a_canary_key_opens_no_other_door(monkeypatch: pytest.MonkeyPatch) -> None:
    app = gateway_app(monkeypatch, RecordingPublisher(), canary_keys=("canary",), ingest_api_keys=("ingest",))
    async with client_of(app) as client:
        answer = await client.post("/events", json=good_event(), headers={"X-Api-Key": "canary"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "claim",
    [
        {"source": "canary"},
        {"eventType": "canary"},
        {"funnelStage": "canary"},
        CANARY,
        {"sender": CANARY["sender"], "number": 8},
    ],
)
async def test_nothing_that_is_posted_as_an_event_becomes_a_canary(
    client: httpx.AsyncClient, publisher: RecordingPublisher, claim: dict[str, Any]
) -> None:
    body = [{**good_event(), **claim}, claim]

    await client.post("/events", json=body, headers={"Sluice-Format": CANARY_FORMAT})

    assert {batch.format for batch in publisher.batches} <= {SOURCES["facebook"].event_format}
