"""Whatever is sent gets a documented answer: never a 500, and no good event suffers for a bad one."""

import httpx
import pytest

from tests.unit.builders import MISSING, as_json, changed, good_event
from tests.unit.gateway.fakes import RecordingPublisher

JSON = "application/json"
NDJSON = "application/x-ndjson"
ONE = as_json(good_event())

BODIES: dict[str, tuple[bytes, str, int, str]] = {
    # what: (body, content type, status, part of the detail)
    "nothing at all": (b"", JSON, 400, "malformed"),
    "blanks": (b" \n ", JSON, 400, "malformed"),
    "no JSON": (b"hello", JSON, 400, "malformed"),
    "HTML": (b"<html></html>", JSON, 400, "malformed"),
    "a number": (b"17", JSON, 400, "malformed"),
    "a string": (b'"events"', JSON, 400, "malformed"),
    "null": (b"null", JSON, 400, "malformed"),
    "an empty array": (b"[]", JSON, 400, "no event"),
    "no events": (b'{"events":[]}', JSON, 400, "no event"),
    "events that are no array": (b'{"events":{}}', JSON, 400, "malformed"),
    "events that are null": (b'{"events":null}', JSON, 400, "malformed"),
    "no lines": (b"\n\r\n", NDJSON, 400, "no event"),
    "no bytes of lines": (b"", NDJSON, 400, "no event"),
    "an array that is cut off": (b"[" + ONE + b"," + ONE[:-10], JSON, 400, "malformed"),
    "an array without its end": (b"[" + ONE, JSON, 400, "malformed"),
    "an object that is cut off": (ONE[:-10], JSON, 400, "No event"),
    "events that are cut off": (b'{"events":[' + ONE, JSON, 400, "malformed"),
    "an array and more": (b"[" + ONE + b"]]", JSON, 400, "malformed"),
    "two arrays": (b"[" + ONE + b"][" + ONE + b"]", JSON, 400, "malformed"),
    "a comma too many": (b"[" + ONE + b",]", JSON, 400, "malformed"),
    "bytes that are no text": (b"\xff\xfe\x00", JSON, 400, "malformed"),
    "UTF-16": (b"[".decode().encode("utf-16") + ONE, JSON, 400, "malformed"),
    "zeros": (b"\x00" * 1_000, JSON, 400, "malformed"),
    "100,000 opening brackets": (b"[" * 100_000, JSON, 400, "malformed"),
    "100,000 brackets": (b"[" * 100_000 + b"]" * 100_000, JSON, 400, "No event"),
    "100,000 opening objects": (b'{"a":' * 100_000, JSON, 400, "No event"),
    "no JSON in lines": (b"hello\nworld\n", NDJSON, 400, "No event"),
    "an unclosed string": (b'["' + b"a" * 100_000, JSON, 400, "malformed"),
    "no content type": (ONE, "", 415, "content type"),
    "text": (ONE, "text/plain", 415, "text/plain"),
    "a form": (ONE, "application/x-www-form-urlencoded", 415, "x-www-form-urlencoded"),
    "many parts": (ONE, "multipart/form-data; boundary=x", 415, "multipart"),
    "XML": (ONE, "application/xml", 415, "use application/json"),
}


@pytest.mark.parametrize(("body", "content_type", "status", "detail"), BODIES.values(), ids=BODIES)
async def test_a_body_in_which_nothing_is_acceptable(
    client: httpx.AsyncClient,
    publisher: RecordingPublisher,
    body: bytes,
    content_type: str,
    status: int,
    detail: str,
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await client.post("/events", content=body, headers=headers)
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert detail in problem["detail"]
    assert publisher.published == []
    # The next request is answered as if nothing had been.
    assert (await client.post("/events", json=good_event())).status_code == 202


async def test_a_malformed_body_is_kept_with_its_beginning(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    body = b"[" + b"x" * 1_000_000
    response = await client.post("/events", content=body, headers={"content-type": JSON})
    (error,) = response.json()["errors"]
    assert (error["index"], error["eventId"], error["reason"]) == (0, None, "malformed_json")
    (letter,) = publisher.letters
    assert letter.raw == body[: 256 * 1024]
    assert letter.source == "unknown"


GOOD = [as_json(good_event(eventId="fb-before")), as_json(good_event(eventId="fb-after"))]
TIKTOK = good_event("tiktok", eventId="bad")


def with_text(path: str, literal: str) -> bytes:
    """A Facebook event with a JSON string written just so."""
    return as_json(changed(good_event(eventId="bad"), path, "@@")).replace(b"@@", literal.encode())


def with_number(path: str, literal: str) -> bytes:
    return as_json(changed(TIKTOK, path, "@@")).replace(b'"@@"', literal.encode())


WATCH = "$.data.engagement.watchTime"
BAD_EVENTS: dict[str, tuple[bytes, str | None, str, str]] = {
    # what: (raw event, eventId as far as it can be read, reason, path)
    "an id of 129 characters": (
        as_json(good_event(eventId="x" * 129)),
        "x" * 128,
        "schema_violation",
        "$.eventId",
    ),
    "an id that is no text": (as_json(good_event(eventId=17)), None, "schema_violation", "$.eventId"),
    "a null in a known field": (with_text("$.data.user.name", r"a\u0000b"), "bad", "unstorable_text", "$"),
    "a null in an id": (with_text("$.eventId", r"a\u0000b"), "a\x00b", "unstorable_text", "$"),
    "a null in an unknown field": (with_text("$.unknown", r"\u0000"), "bad", "unstorable_text", "$"),
    "a null in a key": (with_text("$.data", r'","\u0000":"'), "bad", "unstorable_text", "$"),
    "half a pair in a known field": (with_text("$.data.user.name", r"\ud83d"), None, "unstorable_text", "$"),
    "half a pair in an unknown field": (with_text("$.unknown", r"\uDED2"), None, "unstorable_text", "$"),
    "half a pair in a key": (with_text("$.data", r'","\ud83d":"'), None, "unstorable_text", "$"),
    "no UTF-8": (as_json(good_event(eventId="bad")).replace(b"Ada", b"\xff"), "bad", "malformed_json", "$"),
    "a surrogate in bytes": (
        as_json(good_event(eventId="bad", unknown="\ud83d")),
        "bad",
        "malformed_json",
        "$",
    ),
    "10,000 brackets in an unknown field": (
        with_number("$.unknown", "[" * 10_000 + "]" * 10_000),
        None,
        "malformed_json",
        "$",
    ),
    "10,000 brackets in place of the data": (
        with_number("$.data", "[" * 10_000 + "]" * 10_000),
        None,
        "malformed_json",
        "$",
    ),
    "10,000 brackets": (b"[" * 10_000 + b"]" * 10_000, None, "schema_violation", "$"),
    "1e400": (with_number(WATCH, "1e400"), "bad", "schema_violation", WATCH),
    "a number of 5,000 digits": (
        with_number("$.data.user.followers", "9" * 5_000),
        "bad",
        "schema_violation",
        "",
    ),
    "NaN": (with_number(WATCH, "NaN"), None, "malformed_json", "$"),
    "no JSON inside": (with_number("$.data", "nonsense"), None, "malformed_json", "$"),
    "a single quote": (with_number("$.data", "'x'"), None, "malformed_json", "$"),
    "a control character in a string": (
        with_text("$.data.user.name", "a\x01b"),
        None,
        "malformed_json",
        "$",
    ),
    "a number": (b"17", None, "schema_violation", "$"),
    "null": (b"null", None, "schema_violation", "$"),
    "a string": (b'"fb-1"', None, "schema_violation", "$"),
    "an array": (b"[[" + GOOD[0] + b"]]", None, "schema_violation", "$"),
    "an empty object": (b"{}", None, "schema_violation", "$"),
    "no source": (
        as_json(changed(good_event(eventId="bad"), "$.source", MISSING)),
        "bad",
        "schema_violation",
        "$",
    ),
    "an unknown source": (
        as_json(changed(good_event(eventId="bad"), "$.source", "x")),
        "bad",
        "schema_violation",
        "$.source",
    ),
    "a source that is no text": (
        as_json(changed(good_event(eventId="bad"), "$.source", [])),
        "bad",
        "schema_violation",
        "$.source",
    ),
    "more than 256 KiB": (as_json(good_event(eventId="bad", unknown="x" * 262_144)), "bad", "too_large", "$"),
    "more than 256 KiB and bad": (
        as_json(good_event(eventId="bad", timestamp="x" * 262_144)),
        "bad",
        "too_large",
        "$",
    ),
    "tomorrow's tomorrow": (
        as_json(good_event(eventId="bad", timestamp="2999-01-01T00:00:00Z")),
        "bad",
        "timestamp_out_of_range",
        "$.timestamp",
    ),
}


@pytest.mark.parametrize(("raw", "event_id", "reason", "path"), BAD_EVENTS.values(), ids=BAD_EVENTS)
@pytest.mark.parametrize("shape", ["array", "events", "lines"])
async def test_a_bad_event_is_refused_and_its_neighbours_are_accepted(
    client: httpx.AsyncClient,
    publisher: RecordingPublisher,
    shape: str,
    raw: bytes,
    event_id: str | None,
    reason: str,
    path: str,
) -> None:
    events = [GOOD[0], raw, GOOD[1]]
    body = {
        "array": b"[" + b",".join(events) + b"]",
        "events": b'{"events":[' + b",".join(events) + b"]}",
        "lines": b"\n".join(events),
    }[shape]
    content_type = NDJSON if shape == "lines" else JSON
    response = await client.post("/events", content=body, headers={"content-type": content_type})

    assert response.status_code == 202, response.text
    answer = response.json()
    assert (answer["accepted"], answer["rejected"]) == (2, 1)
    assert publisher.published == GOOD
    (error,) = answer["errors"]
    assert (error["index"], error["reason"]) == (1, reason)
    assert error["path"] == path or (not path and error["path"].startswith("$.data"))
    assert error["detail"]
    assert len(error["detail"]) < 1_000
    assert error["eventId"] == event_id
    (letter,) = publisher.letters
    assert letter.raw == raw[: 256 * 1024]


@pytest.mark.parametrize(("raw", "event_id", "reason", "path"), BAD_EVENTS.values(), ids=BAD_EVENTS)
async def test_a_bad_event_alone_is_a_400_with_its_reason(
    client: httpx.AsyncClient, raw: bytes, event_id: str | None, reason: str, path: str
) -> None:
    response = await client.post("/events", content=b"[" + raw + b"]", headers={"content-type": JSON})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["reason"] == reason


GOOD_EVENTS = {
    "1e400 in an unknown field": with_number("$.unknown", "1e400"),
    "an integer beyond 64 bits in an unknown field": with_number("$.unknown", str(2**64 + 1)),
    "a number of 5,000 digits in an unknown field": with_number("$.unknown", "9" * 5_000),
    "a key twice": as_json(good_event()).replace(b'"userId"', b'"userId":"first","userId"'),
    "an unknown key twice": as_json(good_event()).replace(b'"data"', b'"x":1,"x":2,"data"'),
    "many keys": as_json(good_event(unknown={str(number): number for number in range(10_000)})),
    "an escaped backslash before u0000": with_text("$.unknown", r"\\u0000"),
    "a pair of surrogates": with_text("$.data.user.name", r"\ud83d\uDED2"),
    "a hundred brackets": with_number("$.unknown", "[" * 100 + "]" * 100),
    "text that looks like SQL": with_text("$.data.user.name", "'); DROP TABLE events; --"),
    "text that looks like an end": with_text("$.data.user.name", "}]},{"),
    "exactly 256 KiB": as_json(good_event(unknown="x" * (262_144 - len(as_json(good_event(unknown="")))))),
}


@pytest.mark.parametrize("raw", GOOD_EVENTS.values(), ids=GOOD_EVENTS)
async def test_what_looks_bad_and_is_not_is_accepted_as_it_came(
    client: httpx.AsyncClient, publisher: RecordingPublisher, raw: bytes
) -> None:
    response = await client.post("/events", content=b"[" + raw + b"]", headers={"content-type": JSON})
    assert response.status_code == 202, response.text
    assert publisher.published == [raw]


async def test_all_bad_events_at_once_harm_no_good_one(
    client: httpx.AsyncClient, publisher: RecordingPublisher
) -> None:
    events = [event for raw, *_ in BAD_EVENTS.values() for event in (GOOD[0], raw)]
    response = await client.post(
        "/events", content=b"[" + b",".join(events) + b"]", headers={"content-type": JSON}
    )
    assert (response.json()["accepted"], response.json()["rejected"]) == (len(BAD_EVENTS), len(BAD_EVENTS))
    assert [error["reason"] for error in response.json()["errors"]] == [row[2] for row in BAD_EVENTS.values()]
