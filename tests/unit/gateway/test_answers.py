"""`POST /events` in every shape, and what it answers."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pipeline.errors import StreamUnavailable
from pipeline.events.reasons import Reason
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from tests.unit.builders import as_json, changed, facebook_events, good_event
from tests.unit.gateway.fakes import RecordingPublisher, client_of, gateway_app

JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}

ONE = as_json(good_event())
TWO = [as_json(event) for event in facebook_events(2)]

SHAPES: dict[str, tuple[bytes, dict[str, str], list[bytes]]] = {
    "one object": (ONE, JSON, [ONE]),
    "one object among blanks": (b" \n" * 100 + ONE + b"\r\n", JSON, [ONE]),
    "an array": (b"[" + b",".join(TWO) + b"]", JSON, TWO),
    "an array, printed": (b"[\n  " + b" ,\n  ".join(TWO) + b"\n]\n", JSON, TWO),
    "an array of one": (b"[" + ONE + b"]", JSON, [ONE]),
    "events": (b'{"events":[' + b",".join(TWO) + b"]}", JSON, TWO),
    "events, printed": (b'\n{ "events" : [ ' + b" , ".join(TWO) + b" ]\n}\n", JSON, TWO),
    "events and more": (b'{"sentBy":"a test","events":[' + b",".join(TWO) + b'],"n":2}', JSON, TWO),
    "lines": (b"\n".join(TWO), NDJSON, TWO),
    "lines with a last newline": (b"\n".join(TWO) + b"\n", NDJSON, TWO),
    "lines of Windows with blank ones": (b"\r\n\r\n".join(TWO) + b"\r\n", NDJSON, TWO),
    "a charset": (ONE, {"content-type": "application/json; charset=utf-8"}, [ONE]),
    "a type in capitals": (ONE, {"content-type": "Application/JSON"}, [ONE]),
    "identity": (ONE, {**JSON, "content-encoding": "identity"}, [ONE]),
    "gzip": (gzip.compress(b"[" + b",".join(TWO) + b"]"), {**JSON, "content-encoding": "gzip"}, TWO),
    "lines in gzip": (gzip.compress(b"\n".join(TWO)), {**NDJSON, "content-encoding": "GZIP"}, TWO),
}


@pytest.mark.parametrize(("body", "headers", "events"), SHAPES.values(), ids=SHAPES)
async def test_every_shape_is_taken_in_byte_for_byte(
    client: httpx.AsyncClient,
    publisher: RecordingPublisher,
    body: bytes,
    headers: dict[str, str],
    events: list[bytes],
) -> None:
    response = await client.post("/events", content=body, headers=headers)
    assert response.status_code == 202
    assert response.json() == {"accepted": len(events), "rejected": 0, "errors": []}
    assert publisher.published == events
    assert publisher.letters == []


async def test_events_of_both_sources_go_to_batches_of_their_own(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    events = [good_event("facebook"), good_event("tiktok"), good_event("facebook", "bottom")]
    response = await client.post("/events", json=events)
    assert response.json()["accepted"] == 3
    assert {(batch.source, batch.format, len(batch.events)) for batch in publisher.batches} == {
        ("facebook", "facebook.event.v1", 2),
        ("tiktok", "tiktok.event.v1", 1),
    }


async def test_one_bad_event_is_answered_with_its_place_and_reason(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    events = [*facebook_events(3), changed(good_event(eventId="fb-bad"), "$.data.user.gender", "alien")]
    response = await client.post("/events", json=events)
    assert response.status_code == 202
    assert response.json() == {
        "accepted": 3,
        "rejected": 1,
        "errors": [
            {
                "index": 3,
                "eventId": "fb-bad",
                "reason": "schema_violation",
                "path": "$.data.user.gender",
                "detail": "Invalid enum value 'alien'",
            }
        ],
    }
    assert len(publisher.published) == 3


async def test_a_body_of_bad_events_only_is_refused_with_the_same_errors(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    response = await client.post("/events", json=[good_event(eventId=""), good_event(timestamp="now")])
    problem = response.json()
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:sluice:problem:nothing-acceptable"
    assert [(error["index"], error["eventId"], error["path"]) for error in problem["errors"]] == [
        (0, "", "$.eventId"),
        (1, "fb-7f1c3e5a", "$.timestamp"),
    ]
    assert publisher.published == []
    assert len(publisher.letters) == 2


async def test_at_most_a_hundred_errors_are_listed_and_all_are_counted_and_kept(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    bad = [good_event(eventId=f"fb-{number}", timestamp="now") for number in range(150)]
    answer = (await client.post("/events", json=[good_event(), *bad])).json()
    assert (answer["accepted"], answer["rejected"]) == (1, 150)
    assert [error["index"] for error in answer["errors"]] == list(range(1, 101))
    assert len(publisher.letters) == 150

    problem = (await client.post("/events", json=bad)).json()
    assert [error["eventId"] for error in problem["errors"]] == [f"fb-{number}" for number in range(100)]


async def test_the_index_counts_over_all_parts_of_a_large_body(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    events: list[Any] = facebook_events(2_000)
    for index in (0, 700, 1_999):
        events[index] = good_event(eventId=f"fb-{index}", timestamp="now")
    answer = (await client.post("/events", json=events)).json()
    assert [(error["index"], error["eventId"]) for error in answer["errors"]] == [
        (index, f"fb-{index}") for index in (0, 700, 1_999)
    ]
    assert answer["accepted"] == len(publisher.published) == 1_997


async def test_an_id_twice_in_one_body_is_accepted_twice_for_the_ledger_to_decide(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    response = await client.post("/events", json=[good_event(), good_event()])
    assert response.json() == {"accepted": 2, "rejected": 0, "errors": []}


async def test_a_dead_letter_keeps_the_bytes_the_request_and_the_place(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    bad = b'{ "source":"tiktok", "eventId": "ttk-1", "odd": 1.50 }'
    await client.post(
        "/events", content=b"[" + bad + b"]", headers={**JSON, "x-correlation-id": "request-17"}
    )
    (letter,) = publisher.letters
    assert letter.raw == bad
    assert (letter.source, letter.format) == ("tiktok", "tiktok.event.v1")
    assert (letter.rejection.reason, letter.rejection.path) == (Reason.SCHEMA_VIOLATION, "$")
    assert (letter.correlation_id, letter.stage, letter.replays) == ("request-17", "gateway", 0)
    assert datetime.now(UTC) - letter.received_at < timedelta(minutes=1)
    assert letter.received_at <= letter.failed_at
    assert not letter.truncated
    (subject,) = publisher.letter_subjects
    assert subject.startswith("dead.tiktok.schema_violation.")


async def test_a_dead_letter_of_no_known_source_is_kept_as_unknown(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    await client.post("/events", json=[changed(good_event(), "$.source", "instagram"), {}])
    (subject,) = publisher.letter_subjects
    assert subject.startswith("dead.unknown.schema_violation.")
    assert [letter.rejection.path for letter in publisher.letters] == ["$.source", "$"]


async def test_batches_carry_the_correlation_id_and_the_time_of_arrival(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    response = await client.post(
        "/events", json=facebook_events(3), headers={"x-correlation-id": "request-17"}
    )
    (batch,) = publisher.batches
    assert response.headers["x-correlation-id"] == "request-17"
    assert batch.correlation == [("request-17", 3)]
    assert datetime.now(UTC) - batch.received_at < timedelta(minutes=1)


@pytest.mark.parametrize("count", [1, 2_000])
async def test_when_the_stream_does_not_acknowledge_the_sender_may_try_again(
    client: httpx.AsyncClient, publisher: RecordingPublisher, count: int
) -> None:
    publisher.failure = StreamUnavailable("JetStream did not acknowledge in time")
    response = await client.post("/events", json=facebook_events(count))
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["type"] == "urn:sluice:problem:unavailable"

    publisher.failure = None
    assert (await client.post("/events", json=facebook_events(count))).status_code == 202


async def test_a_bad_event_that_cannot_be_kept_is_no_answer_either(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    publisher.failure = StreamUnavailable("JetStream is full")
    response = await client.post("/events", content=b"not JSON", headers=JSON)
    assert response.status_code == 503


async def test_without_a_connection_the_answer_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = StreamPublisher(StreamConnection(StreamSettings(), "test"))
    async with client_of(gateway_app(monkeypatch, real)) as client:
        response = await client.post("/events", json=good_event())
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert [check["name"] for check in ready.json()["checks"]] == ["nats", "notifications"]


async def test_the_counters_tell_what_became_of_every_event(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = RecordingPublisher()
    client = client_of(gateway_app(monkeypatch, publisher))
    await client.post(
        "/events", json=[*facebook_events(3), good_event("tiktok"), good_event(timestamp="now"), {}]
    )
    publisher.failure = StreamUnavailable("away")
    await client.post("/events", json=good_event())
    text = (await client.get("/metrics")).text
    counted = dict(re.findall(r"^((?:events|dead_letters)_\w+\{[^}]*\}) (\S+)$", text, re.MULTILINE))
    assert {series: float(value) for series, value in counted.items() if "_created" not in series} == {
        'events_accepted_total{service="gateway",source="facebook"}': 4,
        'events_accepted_total{service="gateway",source="tiktok"}': 1,
        'events_processed_total{service="gateway",source="facebook"}': 3,
        'events_processed_total{service="gateway",source="tiktok"}': 1,
        'events_failed_total{error_type="schema_violation",service="gateway",source="facebook"}': 1,
        'events_failed_total{error_type="schema_violation",service="gateway",source="unknown"}': 1,
        'events_failed_total{error_type="unavailable",service="gateway",source="facebook"}': 1,
        'dead_letters_total{reason="schema_violation",source="facebook"}': 1,
        'dead_letters_total{reason="schema_violation",source="unknown"}': 1,
    }


KEYS = ("first-key", "second-key")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x-api-key": "first-key"}, 202),
        ({"x-api-key": "second-key"}, 202),
        ({"authorization": "Bearer first-key"}, 202),
        ({"x-api-key": "third-key"}, 401),
        ({"x-api-key": "first-key,second-key"}, 401),
        ({"x-api-key": "First-Key"}, 401),
        ({"x-api-key": ""}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Basic first-key"}, 401),
        ({"x-api-key": b"\xff\xfe"}, 401),
    ],
)
async def test_where_keys_are_set_one_of_them_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
    publisher: RecordingPublisher,
    headers: dict[str, Any],
    status: int,
) -> None:
    async with client_of(gateway_app(monkeypatch, publisher, ingest_api_keys=KEYS)) as client:
        response = await client.post("/events", json=good_event(), headers=headers)
    assert response.status_code == status
    assert len(publisher.published) == (1 if status == 202 else 0)
    assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
