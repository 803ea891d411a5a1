"""What becomes of the deliveries of anybody: Standard Webhooks, and CloudEvents in every mode."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.custom import SOURCE, WEBHOOK
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.record import EventRecord
from pipeline.events.text import text_rejection
from pipeline.events.webhook import BadUpdate, WebhookRequest

NOW = datetime(2026, 9, 21, 14, 13, 20, 250_000, tzinfo=UTC)
FORMAT = SOURCE.formats[WEBHOOK.format]
SIGNED = {"webhook-id": "msg_1", "webhook-timestamp": "1789999995", "webhook-signature": "v1,AAAA"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "https://shop.example.com",
    "type": "com.example.Order.Created",
    "time": "2026-09-21T13:33:10.5Z",
}
BINARY = {f"ce-{name}": value for name, value in EVENT.items()} | {"content-type": "application/json"}


def request(body: Any, headers: dict[str, str], sender: str = "acme", now: datetime = NOW) -> WebhookRequest:
    written = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return WebhookRequest(sender, headers, written, now)


def outcomes(
    body: Any, headers: dict[str, str], sender: str = "acme", now: datetime = NOW
) -> list[EventRecord | Rejection]:
    found: list[EventRecord | Rejection] = []
    for update in WEBHOOK.split(request(body, headers, sender, now)):
        if isinstance(update, BadUpdate):
            found.append(update.rejection)
            continue
        event: Any = text_rejection(bytes(update)) or FORMAT.judge(update, now)
        found.append(event if isinstance(event, Rejection) else FORMAT.to_record(event, update, now))
    return found


def record(body: Any, headers: dict[str, str], sender: str = "acme", now: datetime = NOW) -> EventRecord:
    (found,) = outcomes(body, headers, sender, now)
    assert isinstance(found, EventRecord), found
    return found


def rejection(body: Any, headers: dict[str, str]) -> Rejection:
    (found,) = outcomes(body, headers)
    assert isinstance(found, Rejection), found
    return found


def payload(found: EventRecord) -> Any:
    return json.loads(bytes(found.payload))


def test_a_message_that_is_sent_again_with_a_new_time_and_signature_is_the_same_event() -> None:
    body = {"type": "contact.created", "timestamp": "2026-09-21T13:00:00Z", "data": {}}
    first = record(body, SIGNED)
    again = SIGNED | {"webhook-timestamp": "1790003595", "webhook-signature": "v1,BBBB"}
    second = record(body, again, now=NOW + timedelta(hours=1))
    assert (second.event_id, second.occurred_at) == (first.event_id, first.occurred_at)
    assert record(body, SIGNED | {"webhook-id": "msg_2"}).event_id != first.event_id
    assert record(body, SIGNED, sender="other").event_id != first.event_id


@pytest.mark.parametrize(
    ("body", "occurred_at"),
    [
        ({"timestamp": "2026-09-21T13:00:00.5Z"}, datetime(2026, 9, 21, 13, 0, 0, 500_000, UTC)),
        ({"timestamp": "2026-09-21T15:00:00+02:00"}, datetime(2026, 9, 21, 13, tzinfo=UTC)),
        ({"timestamp": "2026-09-21T13:00:00"}, datetime(2026, 9, 21, 13, tzinfo=UTC)),
        *(
            ({"timestamp": value}, datetime.fromtimestamp(1789999995, UTC))
            for value in ("soon", 5, None, [], "")
        ),
        *(({"timestamp": 1790000000000000000}, datetime.fromtimestamp(1789999995, UTC)),),
        *((body, datetime.fromtimestamp(1789999995, UTC)) for body in ([], "text", 5, None, {})),
    ],
)
def test_the_time_is_the_bodys_own_or_that_of_the_first_attempt(body: Any, occurred_at: datetime) -> None:
    assert record(body, SIGNED).occurred_at == occurred_at


def test_without_any_time_that_of_the_arrival_stands_in() -> None:
    for seconds in ("", "soon", "9" * 500):
        headers = {"authorization": "Bearer x", "webhook-id": "1", "webhook-timestamp": seconds}
        assert record({}, headers).occurred_at == NOW


def test_a_token_may_come_with_an_idempotency_key_but_a_signature_covers_only_its_own_id() -> None:
    by_key = record({}, {"idempotency-key": "key-1"})
    assert by_key.event_id == record({}, {"webhook-id": "key-1"}).event_id
    assert record({}, SIGNED | {"idempotency-key": "key-1"}).event_id == record({}, SIGNED).event_id


@pytest.mark.parametrize("identity", ["", "é", "x" * 257, "a\nb"])
def test_without_a_usable_id_nothing_is_stored(identity: str) -> None:
    assert rejection({}, {"webhook-id": identity}).reason is Reason.SCHEMA_VIOLATION


@pytest.mark.parametrize(
    ("written", "event_type"),
    [
        *(("contact.created", "contact.created"), ("Invoice Paid/EU", "invoice_paid_eu"), ("", "untyped")),
        *((None, "untyped"), (5, "untyped"), ("x" * 500, "x" * 100), ("purchase", "purchase"), ("😀", "_")),
    ],
)
def test_the_type_is_the_bodys_own_in_plain_characters(written: Any, event_type: str) -> None:
    assert record({"type": written}, SIGNED).event_type == event_type
    if written and isinstance(written, str):
        assert record({**EVENT, "type": written}, STRUCTURED).event_type == event_type


@pytest.mark.parametrize(
    ("data", "user"),
    [
        *(({"userId": "u-1"}, "u-1"), ({"user_id": 90071992547409931}, "90071992547409931")),
        *(
            ({"user": {"id": "u-2"}}, "u-2"),
            ({"userId": "", "user": {"id": 3}}, "3"),
            ({"user": "u-4"}, None),
        ),
        *(
            ({"userId": 1.5}, None),
            ({"userId": True}, None),
            ({"userId": "x" * 300}, None),
            ([], None),
            ("u", None),
        ),
    ],
)
def test_the_user_is_where_senders_usually_say_it(data: Any, user: str | None) -> None:
    assert record({"data": data}, SIGNED).user_id == user
    assert record({**EVENT, "data": data}, STRUCTURED).user_id == user


def test_an_extension_names_the_user_before_the_data_does() -> None:
    assert record({**EVENT, "userid": "u-9", "data": {"userId": "u-1"}}, STRUCTURED).user_id == "u-9"


def test_no_record_has_money_and_each_has_its_sender_as_a_facet() -> None:
    found = record(
        {"type": "purchase", "data": {"amount": "9.99", "currency": "EUR"}}, SIGNED, sender="shop-1"
    )
    assert (found.amount, found.currency, found.facets, found.funnel_stage) == (None, None, "shop-1", "top")


def test_the_payload_keeps_every_digit_of_the_body() -> None:
    body = b'{"a": 1.10, "b":9007199254740993, "c":1e400, "a":2}'
    assert body in bytes(record(body, SIGNED).payload)


def test_a_body_cannot_pretend_to_come_from_another_sender() -> None:
    pretending = b'{"x":1},"sender":"victim","webhook":{"id":"1","body":1}'
    for headers in (SIGNED, STRUCTURED, BATCH):
        assert all(isinstance(outcome, Rejection) for outcome in outcomes(pretending, headers))
    for body in (b'[{"id":1}},"sender":"victim",{"a":{]', b'[1},"sender":"victim","y":{"z":1]'):
        assert all(isinstance(outcome, Rejection) for outcome in outcomes(body, BATCH))
    assert record({**EVENT, "sender": "victim"}, STRUCTURED).facets == "acme"


def test_an_event_is_the_same_in_whichever_mode_it_comes() -> None:
    ids = {
        record(EVENT, STRUCTURED).event_id,
        record([EVENT], BATCH).event_id,
        record({"any": "data"}, BINARY).event_id,
        record(EVENT, SIGNED).event_id,
        record([EVENT], SIGNED | {"content-type": "application/json"}).event_id,
    }
    assert len(ids) == 1


def test_source_and_id_make_the_identity_within_a_sender() -> None:
    base = record(EVENT, STRUCTURED).event_id
    assert record({**EVENT, "type": "other", "time": None, "data": 1}, STRUCTURED).event_id == base
    assert record({**EVENT, "id": "e-2"}, STRUCTURED).event_id != base
    assert record({**EVENT, "source": "/other"}, STRUCTURED).event_id != base
    assert record(EVENT, STRUCTURED, sender="other").event_id != base


@pytest.mark.parametrize("member", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize("value", ["absent", None, "", 5, []])
def test_a_required_attribute_must_be_there(member: str, value: Any) -> None:
    event = {name: text for name, text in EVENT.items() if name != member}
    if value != "absent":
        event[member] = value
    found = rejection(event, STRUCTURED)
    assert (found.reason, found.path) == (Reason.SCHEMA_VIOLATION, f"$.cloudevent.{member}")


def test_another_version_is_not_understood() -> None:
    for version in ("0.3", "1.0.2", "2.0", "1"):
        assert rejection({**EVENT, "specversion": version}, STRUCTURED).reason is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(
    ("time", "occurred_at"),
    [
        ("2026-09-21t13:33:10z", datetime(2026, 9, 21, 13, 33, 10, tzinfo=UTC)),
        ("2026-09-21T15:33:10.123456789+02:00", datetime(2026, 9, 21, 13, 33, 10, 123457, UTC)),
        (None, NOW),
    ],
)
def test_the_time_is_the_events_own_or_that_of_its_first_arrival(time: Any, occurred_at: datetime) -> None:
    assert record({**EVENT, "time": time}, STRUCTURED).occurred_at == occurred_at


@pytest.mark.parametrize("time", ["", "yesterday", "2026-09-21", "2026-09-21T13:33:10", 1790000000, [], 1.5])
def test_a_time_that_is_none_is_refused(time: Any) -> None:
    assert rejection({**EVENT, "time": time}, STRUCTURED).path == "$.cloudevent.time"


def test_a_time_far_ahead_is_out_of_range() -> None:
    ahead = (NOW + timedelta(hours=25)).isoformat()
    assert rejection({**EVENT, "time": ahead}, STRUCTURED).reason is Reason.TIMESTAMP_OUT_OF_RANGE
    assert rejection({"timestamp": ahead}, SIGNED).reason is Reason.TIMESTAMP_OUT_OF_RANGE


@pytest.mark.parametrize(
    "content_type",
    [
        *("application/cloudevents+json", "APPLICATION/CloudEvents+JSON", "application/cloudevents"),
        *("application/cloudevents+json; charset=utf-8", " application/cloudevents+json;a=b;c"),
    ],
)
def test_the_mode_is_told_by_the_content_type_in_any_case_with_parameters(content_type: str) -> None:
    assert record(EVENT, {"content-type": content_type}).event_type == "com.example.order.created"
    batch = content_type.replace("events", "events-batch").replace("Events", "Events-Batch")
    assert record([EVENT], {"content-type": batch}).event_type == "com.example.order.created"


@pytest.mark.parametrize("media", ["application/cloudevents+avro", "application/cloudevents-batch+xml"])
def test_json_is_the_only_event_format(media: str) -> None:
    assert rejection(EVENT, {"content-type": media}).reason is Reason.UNSUPPORTED_FORMAT


def test_one_broken_event_of_a_batch_does_not_harm_its_neighbours() -> None:
    good = json.dumps(EVENT).encode()
    for bad in (
        b'{"id":"\\ud800"}',
        b'{"a":tru}',
        b"17",
        b"null",
        b"[]",
        b"[" * 5000 + b"]" * 5000,
        b'"\xff"',
    ):
        found = outcomes(b"[%b,%b,%b]" % (good, bad, good), BATCH)
        assert [isinstance(outcome, EventRecord) for outcome in found] == [True, False, True], bad


@pytest.mark.parametrize("body", [b"{}", b'"x"', b"5", b"", b"[", b"[1", b"]", b"\xff", b"null"])
def test_a_batch_that_is_no_array_is_refused_as_a_whole(body: bytes) -> None:
    (bad,) = WEBHOOK.split(request(body, BATCH))
    assert isinstance(bad, BadUpdate)
    assert bad.raw == body


def test_an_empty_batch_is_legal_and_holds_nothing() -> None:
    assert outcomes(b" [ ] ", BATCH) == []


def test_a_batch_beyond_reason_is_not_taken_apart() -> None:
    assert rejection(b"[" + b"0," * 30_000 + b"0]", BATCH).reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("written", "decoded"),
    [
        *(("plain", "plain"), ("%E2%82%AC", "€"), ("%e2%82%ac", "€"), ("100%25", "100%"), ("%2525", "%25")),
        *(
            ('"quoted"', "quoted"),
            ('"a \\"b\\" %43"', 'a "b" C'),
            ('half"', 'half"'),
            ("a b", "a b"),
            ("a+b", "a+b"),
        ),
        ("%F0%9F%98%80", "😀"),
    ],
)
def test_attributes_in_headers_are_percent_encoded_once(written: str, decoded: str) -> None:
    event = payload(record({}, BINARY | {"ce-subject": written}))["cloudevent"]
    assert event["subject"] == decoded


@pytest.mark.parametrize(
    "written", ["%", "%2", "%zz", "%FF", "%C0%80", "%ED%A0%80", "€", "é", "a\tb", "%E2%82"]
)
def test_what_is_not_percent_encoded_utf_8_is_refused(written: str) -> None:
    assert rejection({}, BINARY | {"ce-subject": written}).reason is Reason.SCHEMA_VIOLATION


def test_a_null_character_in_a_header_cannot_be_stored() -> None:
    assert rejection({}, BINARY | {"ce-subject": "a%00b"}).reason is Reason.UNSTORABLE_TEXT


@pytest.mark.parametrize("name", ["ce-", "ce-Sub", "ce-data_base64", "ce-ä", "ce-a-b", "ce-" + "x" * 65])
def test_a_header_that_can_be_no_attribute_is_refused(name: str) -> None:
    assert rejection({}, BINARY | {name: "x"}).reason is Reason.SCHEMA_VIOLATION


@pytest.mark.parametrize("missing", ["ce-id", "ce-source", "ce-type", "ce-specversion"])
def test_binary_mode_needs_the_required_attributes_too(missing: str) -> None:
    headers = {name: value for name, value in BINARY.items() if name != missing}
    assert rejection({}, headers).path == f"$.cloudevent.{missing.removeprefix('ce-')}"


@pytest.mark.parametrize(
    ("content_type", "body", "member"),
    [
        *(("application/json", b'{"a":1.10}', "data"), ("application/vnd.x+json; v=1", b"[1]", "data")),
        *(("TEXT/JSON", b'"x"', "data"), ("", b"5", "data"), ("application/json", b"{broken", "data_base64")),
        *(("text/plain", b"5", "data_base64"), ("application/xml", b"<x/>", "data_base64")),
        *(
            ("application/json", b'"\\ud800"', "data_base64"),
            ("application/json", b"\xff\x00", "data_base64"),
        ),
        *(("application/json", b'"\\u0000"', "data_base64"), ("application/json", b"", "")),
    ],
)
def test_data_is_json_where_it_says_so_and_is_and_else_kept_in_base64(
    content_type: str, body: bytes, member: str
) -> None:
    event = payload(record(body, BINARY | {"content-type": content_type}))["cloudevent"]
    assert {"data", "data_base64"} & event.keys() == ({member} - {""})
    if member == "data":
        assert event["data"] == json.loads(body)
    elif member:
        assert base64.b64decode(event["data_base64"]) == body
    assert event.get("datacontenttype", "") == content_type


def test_without_any_attribute_it_is_an_event_that_lacks_them() -> None:
    assert rejection({"a": 1}, {"ce-data": "x"}).path == "$.cloudevent.id"


def test_no_header_can_take_the_place_of_the_data() -> None:
    headers = BINARY | {"ce-data": "%22forged%22", "ce-datacontenttype": "text/plain"}
    event = payload(record({"a": 1}, headers))["cloudevent"]
    assert (event["data"], event["datacontenttype"]) == ({"a": 1}, "application/json")
    empty = payload(record(b"", headers | {"content-type": ""}))["cloudevent"]
    assert not {"data", "datacontenttype"} & empty.keys()


def test_headers_that_no_signature_covers_do_not_change_what_a_signed_delivery_is() -> None:
    message = {"type": "contact.created", "data": {}}
    plain = record(message, SIGNED)
    for more in (BINARY, {"ce-id": "other"}, {"content-type": "text/plain"}, {"idempotency-key": "x"}):
        assert record(message, SIGNED | more).event_id == plain.event_id
    event = record(EVENT, SIGNED)
    for more in (BINARY, STRUCTURED, {"content-type": "application/json"}):
        assert record(EVENT, SIGNED | more).event_id == event.event_id
    for more in (STRUCTURED, BATCH):
        assert all(isinstance(outcome, Rejection) for outcome in outcomes(message, SIGNED | more))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
modes = st.sampled_from([SIGNED, STRUCTURED, BATCH, BINARY, {}, {"webhook-id": "1"}])


@given(
    event=st.dictionaries(st.sampled_from([*EVENT, "data", "userid", "timestamp"]), json_values),
    headers=modes,
)
def test_whatever_the_members_hold_it_is_a_record_or_a_rejection(
    event: dict[str, Any], headers: dict[str, str]
) -> None:
    for body in (event, [event, EVENT]):
        for outcome in outcomes(json.dumps(body).encode(), headers):
            assert isinstance(outcome, EventRecord | Rejection)


@given(
    names=st.dictionaries(st.sampled_from([*BINARY, "ce-x", "ce-data", "webhook-id"]), st.text(max_size=30)),
    body=st.binary(max_size=100),
)
def test_no_headers_and_no_body_make_the_splitting_raise_or_lose_bytes(
    names: dict[str, str], body: bytes
) -> None:
    for headers in (names, BINARY | names):
        for update in WEBHOOK.split(request(body, headers)):
            if isinstance(update, BadUpdate):
                assert update.raw == body
            else:
                assert isinstance(msgspec.json.decode(update), dict)


@given(value=st.text(st.characters(codec="utf-8"), max_size=40))
def test_every_text_survives_percent_encoding(value: str) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in value.encode())
    found = outcomes({}, BINARY | {"ce-subject": encoded})
    if "\0" in value:
        assert isinstance(found[0], Rejection)
    else:
        assert payload(found[0])["cloudevent"]["subject"] == value  # type: ignore[arg-type]
