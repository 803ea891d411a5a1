"""What becomes of TikTok's deliveries: split, understood, and the same however often they come."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.tiktok import SOURCE
from collectors.tiktok.webhook import SHOP_WEBHOOK, WEBHOOK
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.record import EventRecord
from pipeline.events.webhook import BadUpdate, Webhook, WebhookRequest

NOW = datetime.fromtimestamp(1_790_000_000, UTC)
NOTIFICATION = {
    "client_key": "awexample",
    "event": "post.publish.complete",
    "create_time": 1789999990,
    "user_openid": "act.creator",
    "content": '{"publish_id":"p-1","n":9007199254740993}',
}
PURCHASE = {
    "event": "Purchase",
    "event_time": 1789999950,
    "event_id": "order-1",
    "properties": {"value": 10, "currency": "EUR"},
}
ORDER = {
    "type": 1,
    "tts_notification_id": "7380066284010030890",
    "shop_id": "7495540735365777507",
    "timestamp": 1789999990,
    "data": {"order_id": "57", "order_status": "COMPLETED", "update_time": 1789999980},
}


def split(body: Any, webhook: Webhook = WEBHOOK, now: datetime = NOW) -> list[msgspec.Raw | BadUpdate]:
    written = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return list(webhook.split(WebhookRequest(webhook.name, {}, written, now)))


def outcomes(body: Any, webhook: Webhook = WEBHOOK, now: datetime = NOW) -> list[EventRecord | Rejection]:
    found: list[EventRecord | Rejection] = []
    for update in split(body, webhook, now):
        if isinstance(update, BadUpdate):
            found.append(update.rejection)
            continue
        event: Any = SOURCE.formats[webhook.format].judge(update, now)
        is_bad = isinstance(event, Rejection)
        found.append(event if is_bad else SOURCE.formats[webhook.format].to_record(event, update, now))
    return found


def record(body: Any, webhook: Webhook = WEBHOOK, now: datetime = NOW) -> EventRecord:
    (found,) = outcomes(body, webhook, now)
    assert isinstance(found, EventRecord), found
    return found


def rejection(body: Any, webhook: Webhook = WEBHOOK) -> Rejection:
    (found,) = outcomes(body, webhook)
    assert isinstance(found, Rejection), found
    return found


def conversions(*events: Any, **context: Any) -> dict[str, Any]:
    return {"event_source": "web", "event_source_id": "PIXEL", **context, "data": list(events)}


def shop(**changes: Any) -> EventRecord:
    return record({**ORDER, **changes}, SHOP_WEBHOOK)


def test_a_notification_that_comes_again_days_later_is_the_same_event() -> None:
    first = record(NOTIFICATION)
    for hours in (1, 24, 72):
        assert record(NOTIFICATION, now=NOW + timedelta(hours=hours)).event_id == first.event_id


@pytest.mark.parametrize(
    ("member", "other"),
    [
        *(("client_key", "other"), ("event", "post.publish.failed"), ("create_time", 1789999991)),
        *(("user_openid", "act.other"), ("content", '{"publish_id":"p-2"}'), ("content", "")),
        ("content", '{"publish_id": "p-1","n":9007199254740993}'),
    ],
)
def test_a_notification_that_differs_in_anything_is_another_event(member: str, other: Any) -> None:
    assert record({**NOTIFICATION, member: other}).event_id != record(NOTIFICATION).event_id


def test_a_notification_that_is_written_in_another_way_is_the_same_event() -> None:
    same = json.dumps(dict(reversed(NOTIFICATION.items())), indent=3).encode()
    assert record(same).event_id == record(NOTIFICATION).event_id


def test_content_is_parsed_a_second_time_with_every_digit_and_kept_as_it_was() -> None:
    payload = bytes(record(NOTIFICATION).payload)
    stored = json.loads(payload)
    assert stored["content"] == NOTIFICATION["content"]
    assert stored["content_parsed"] == {"publish_id": "p-1", "n": 9007199254740993}
    assert {name: stored[name] for name in NOTIFICATION} == NOTIFICATION


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            "no json",
            '{"a":1}}',
            '1,"event":"like"',
            '1},{"event":"like"',
            "NaN",
            "{'a':1}",
            '{"a":"\\ud800"}',
        ),
        *(
            '{"a":"\\u0000"}',
            "[" * 5000 + "]" * 5000,
            "[" * 900 + "]" * 900,
            '"' + "x" * 70_000 + '"',
            17,
            None,
        ),
        {"already": "parsed"},
    ],
    ids=lambda content: repr(content)[:24],
)
def test_content_that_is_no_json_or_cannot_be_stored_when_parsed_changes_nothing(content: Any) -> None:
    body = json.dumps({**NOTIFICATION, "content": content}).encode()
    found = record(body)
    stored = json.loads(bytes(found.payload))
    assert stored.pop("content_parsed", None) in (None, json.loads("[" * 900 + "]" * 900))
    assert stored == json.loads(body)
    assert found.event_type == "post.publish.complete"


@pytest.mark.parametrize("user", ["", None, ["x"], 1.5, True, "u" * 300])
def test_a_user_that_is_no_id_is_none(user: Any) -> None:
    assert record({**NOTIFICATION, "user_openid": user}).user_id is None


@pytest.mark.parametrize("moment", ["1789999990", 1789999990, 1789999990000, "1789999990000"])
def test_the_time_is_that_of_the_event_in_seconds_or_milliseconds(moment: Any) -> None:
    assert record({**NOTIFICATION, "create_time": moment}).occurred_at == datetime.fromtimestamp(
        1789999990, UTC
    )


@pytest.mark.parametrize("moment", [None, "", "soon", [], {}, True])
def test_without_a_time_of_its_own_nothing_is_stored(moment: Any) -> None:
    found = rejection({**NOTIFICATION, "create_time": moment})
    assert (found.reason, found.path) == (Reason.SCHEMA_VIOLATION, "$.create_time")


@pytest.mark.parametrize("moment", [10**30, -(10**30), 10**400, 1790000000 + 90_000])
def test_a_time_beyond_reason_is_out_of_range(moment: int) -> None:
    assert rejection({**NOTIFICATION, "create_time": moment}).reason is Reason.TIMESTAMP_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        *(("comment.update", "unknown.comment.update"), ("IM Send/Msg!", "unknown.im_send_msg_")),
        *(("ÄÖ", "unknown._"), ("x" * 5000, "unknown." + "x" * 100), ("purchase", "unknown.purchase")),
    ],
)
def test_an_event_that_nobody_knows_is_stored_as_unknown(name: str, event_type: str) -> None:
    assert record({**NOTIFICATION, "event": name}).event_type == event_type


@pytest.mark.parametrize("value", ["99.90", "0099.90", 99.9, "9.990e1"])
def test_money_is_exact_and_its_currency_in_capitals(value: Any) -> None:
    found = record(conversions({**PURCHASE, "properties": {"value": value, "currency": "usd"}}))
    assert (found.amount, found.currency) == (Decimal("99.9"), "USD")


def test_no_digit_of_an_amount_is_lost() -> None:
    body = json.dumps(conversions(PURCHASE)).replace(
        '"value": 10', '"value": 123456789012345.12345678901234567'
    )
    assert str(record(body.encode()).amount) == "123456789012345.12345678901234567"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        *(
            ("a lot", "value"),
            ("-1", "value"),
            (-1, "value"),
            ("NaN", "value"),
            ("Infinity", "value"),
            ("1,5", "value"),
        ),
        *(
            ("1e999", "value"),
            ("9" * 16, "value"),
            ([1], "value"),
            (True, "value"),
            ("\u0661", "value"),
            ("1_0", "value"),
        ),
    ],
)
def test_an_amount_that_nobody_can_read_is_a_dead_letter_and_not_a_guess(value: Any, path: str) -> None:
    found = rejection(conversions({**PURCHASE, "properties": {"value": value, "currency": "EUR"}}))
    assert (found.reason, found.path) == (Reason.SCHEMA_VIOLATION, f"$.data[0].properties.{path}")


@pytest.mark.parametrize("code", ["EURO", "E", "€", 978, "ÄÖÜ"])
def test_so_is_a_currency_that_is_none(code: Any) -> None:
    found = rejection(conversions({**PURCHASE, "properties": {"value": 1, "currency": code}}))
    assert found.path == "$.data[0].properties.currency"


@pytest.mark.parametrize(
    "properties", [None, {}, {"value": None}, {"value": ""}, [], "x", {"currency": "EUR"}]
)
def test_a_purchase_without_an_amount_is_no_transaction(properties: Any) -> None:
    found = record(conversions({**PURCHASE, "properties": properties}))
    assert (found.event_type, found.amount, found.currency) == ("conversion.purchase", None, None)


def test_what_a_cart_is_worth_is_no_revenue() -> None:
    cart = {**PURCHASE, "event": "AddToCart", "properties": {"value": "rubbish", "currency": "rubbish"}}
    assert record(conversions(cart)).amount is None


def test_a_purchase_under_its_old_and_its_new_name_is_one() -> None:
    renamed = record(conversions({**PURCHASE, "event": "CompletePayment"}))
    assert renamed == msgspec.structs.replace(record(conversions(PURCHASE)), payload=renamed.payload)


@pytest.mark.parametrize(
    "other",
    [
        conversions({**PURCHASE, "event_id": "order-2"}),
        conversions({**PURCHASE, "event": "PlaceAnOrder"}),
        conversions(PURCHASE, event_source_id="ANOTHER"),
    ],
)
def test_another_id_event_or_pixel_is_another_event(other: Any) -> None:
    assert record(other).event_id != record(conversions(PURCHASE)).event_id


def test_with_an_id_nothing_else_counts_and_without_one_everything_does() -> None:
    def changed(event_id: str | None) -> set[str]:
        base = {**PURCHASE, "event_id": event_id}
        values = (
            {"value": 10, "currency": "EUR"},
            {"currency": "EUR", "value": 10},
            {"value": 11, "currency": "EUR"},
        )
        return {record(conversions({**base, "properties": properties})).event_id for properties in values}

    assert len(changed("order-1")) == 1
    assert len(changed(None)) == 2  # the order of members is no difference


def test_every_event_of_a_body_is_an_update_of_its_own_with_the_body_around_it() -> None:
    body = (
        b'{"event_source" : "web", "data" : [ {"event":"A","x":1.10} , {"event":"B"} ], '
        b'"event_source_id":9007199254740993}'
    )
    assert [bytes(update) for update in split(body) if isinstance(update, msgspec.Raw)] == [
        b'{"event_source":"web","event_source_id":9007199254740993,"data":[{"event":"A","x":1.10}]}',
        b'{"event_source":"web","event_source_id":9007199254740993,"data":[{"event":"B"}]}',
    ]


def test_one_broken_event_does_not_harm_its_neighbours() -> None:
    good = json.dumps(PURCHASE).encode()
    broken = (b'{"event":"\\ud800"}', b'{"a":tru}', b"17", b"[" * 5000 + b"]" * 5000, b'"\xff"')
    for bad in broken:
        found = outcomes(b'{"event_source":"web","data":[%b,%b,%b]}' % (good, bad, good))
        assert [isinstance(outcome, EventRecord) for outcome in found] == [True, False, True], bad


def test_a_huge_context_is_not_copied_to_every_event() -> None:
    found = split(conversions(*[PURCHASE] * 3, event_source="x" * 100_000))
    assert all(len(bytes(update)) < 1000 for update in found if isinstance(update, msgspec.Raw))
    assert len(found) == 3


def test_an_empty_body_of_the_events_api_holds_nothing() -> None:
    assert split(conversions()) == []


def test_order_events_have_a_type_for_each_status_and_the_time_of_the_change() -> None:
    found = shop()
    assert (found.event_type, found.funnel_stage) == ("shop.order.completed", "bottom")
    assert found.occurred_at == datetime.fromtimestamp(1789999980, UTC)


@pytest.mark.parametrize("number", [1, 2, 99, "1", "ORDER_STATUS_CHANGE"])
def test_the_data_tells_the_kind_where_the_number_tells_another(number: Any) -> None:
    assert shop(type=number).event_type == "shop.order.completed"


@pytest.mark.parametrize(
    ("number", "data", "event_type"),
    [
        (6, {"message": "bye"}, "shop.authorization.removed"),
        (66, {"message": "bye"}, "unknown.66"),
        (1, {"message": "bye"}, "unknown.1"),
        (3, {"order_id": "5", "update_time": 1789999990}, "shop.order.address"),
        (3, {}, "unknown.3"),
        *((number, data, f"unknown.{number}") for number in (1, 67, 10**20) for data in (None, [], "x", 5)),
        ("Brand New", {}, "unknown.brand_new"),
    ],
)
def test_a_number_or_data_alone_do_not_make_a_kind(number: Any, data: Any, event_type: str) -> None:
    assert shop(type=number, data=data).event_type == event_type


def test_a_refund_is_no_transaction_but_its_sum_is_kept() -> None:
    data = {
        "refund_status": "REFUND_SUCCESS",
        "refund_total": "18.49",
        "refund_currency": "GBP",
        "refund_timestamp": 1789999987,
    }
    found = shop(type=67, data=data)
    assert (found.event_type, found.amount, found.currency) == ("shop.refund", None, None)
    assert json.loads(bytes(found.payload))["data"]["refund_total"] == "18.49"
    assert found.occurred_at == datetime.fromtimestamp(1789999987, UTC)


@pytest.mark.parametrize("unset", [0, "", None, "0"])
def test_a_time_of_change_that_is_not_set_leaves_that_of_the_notification(unset: Any) -> None:
    data = {**ORDER["data"], "update_time": unset}
    assert shop(data=data).occurred_at == datetime.fromtimestamp(1789999990, UTC)


def test_a_notification_is_known_by_its_id_within_its_shop_whatever_else_it_says() -> None:
    assert (
        shop(timestamp=1789999999, data={"order_id": "58", "order_status": "CANCEL"}).event_id
        == shop().event_id
    )
    assert (
        shop(tts_notification_id=7380066284010030890, shop_id=7495540735365777507).event_id == shop().event_id
    )
    assert shop(shop_id="1").event_id != shop().event_id
    assert shop(tts_notification_id="1").event_id != shop().event_id


def test_without_an_id_a_replay_is_known_by_its_content() -> None:
    assert shop(tts_notification_id=None).event_id == shop(tts_notification_id="").event_id
    other = shop(tts_notification_id="", data={**ORDER["data"], "order_id": "58"})
    assert other.event_id != shop(tts_notification_id="").event_id


def test_ids_that_are_numbers_keep_every_digit() -> None:
    ids = (90071992547409931, 90071992547409932, 9007199254740993199999999999)
    assert len({shop(tts_notification_id=number).event_id for number in ids}) == 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(
    [
        *(
            "event",
            "create_time",
            "user_openid",
            "content",
            "client_key",
            "data",
            "event_source",
            "event_source_id",
        ),
        *("type", "timestamp", "tts_notification_id", "shop_id"),
    ]
)


@given(body=st.dictionaries(members, json_values))
def test_whatever_the_members_hold_it_is_a_record_or_a_rejection(body: dict[str, Any]) -> None:
    for webhook in (WEBHOOK, SHOP_WEBHOOK):
        for outcome in outcomes(json.dumps(body).encode(), webhook):
            assert isinstance(outcome, EventRecord | Rejection)


@given(event=st.dictionaries(st.sampled_from([*PURCHASE, "user"]), json_values), data=json_values)
def test_so_it_is_inside_of_an_event_or_of_the_shops_data(event: dict[str, Any], data: Any) -> None:
    for outcome in outcomes(conversions({**PURCHASE, **event})):
        assert isinstance(outcome, EventRecord | Rejection)
    for outcome in outcomes({**ORDER, "data": data}, SHOP_WEBHOOK):
        assert isinstance(outcome, EventRecord | Rejection)


@given(body=st.binary(max_size=200))
def test_no_bytes_make_the_splitting_raise_or_lose_them(body: bytes) -> None:
    for webhook in (WEBHOOK, SHOP_WEBHOOK):
        for update in split(body, webhook):
            if isinstance(update, BadUpdate):
                assert update.raw == body
