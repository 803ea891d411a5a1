"""What is odd is stored as far as it can be; what would be wrong money or a wrong time is refused with its path."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from collectors.facebook import SOURCE
from collectors.facebook.webhook.kinds import CHANGED_FIELD, KINDS
from pipeline.events.reasons import Reason
from tests.unit.collectors.facebook_webhook.deliveries import (
    SENT,
    event_of,
    rejection_in,
    with_change,
    with_entry,
)

TABLE = (Path(__file__).parents[4] / "docs" / "webhooks" / "facebook.md").read_text(encoding="utf-8")
COMMENT = {
    "item": "comment",
    "verb": "add",
    "comment_id": "1_2",
    "created_time": 1789999980,
    "from": {"id": "3"},
}


@pytest.mark.parametrize("kind", [*KINDS, CHANGED_FIELD], ids=lambda kind: kind.event_type)
def test_every_row_of_the_table_stands_in_the_documentation_with_its_stage(kind: Any) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()]
    found = [row for row in rows if len(row) == 11 and f"`{kind.event_type}`" in row[4]]
    assert any(
        row[5] == kind.stage
        and all(f"`{name}`" in row[column] for column, name in enumerate(kind[:2]) if name)
        and (not kind.verb or f"`{kind.verb}`" in row[3])
        for row in found
    ), found


def test_no_two_rows_are_for_the_same_update() -> None:
    keys = [kind[:4] for kind in KINDS]
    assert len(set(keys)) == len(keys)


def test_native_event_types_are_lower_case_words_with_dots_and_are_declared() -> None:
    declared = {(stage, name) for stage, names in SOURCE.event_types.items() for name in names}
    for kind in (*KINDS, CHANGED_FIELD):
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+){0,2}", kind.event_type)
        assert (kind.stage, kind.event_type) in declared


@pytest.mark.parametrize(
    ("field", "event_type"),
    [
        ("live_videos", "unknown.live_videos"),
        ("Live Videos", "unknown.live_videos"),
        ("a.b-c_d9", "unknown.a.b-c_d9"),
        ("ÄÖ", "unknown._"),
        ("", "unknown.unnamed"),
        ("x" * 500, "unknown." + "x" * 60),
        ("'; DROP TABLE events; --", "unknown._drop_table_events_--"),
        ("a\u0000b", "unknown.a_b"),
    ],
)
def test_an_unknown_field_becomes_a_name_of_a_closed_alphabet(field: str, event_type: str) -> None:
    assert event_of(with_change(field, {"a": 1})).event_type == event_type


@pytest.mark.parametrize(
    "odd",
    [
        {"from": None},
        {"from": {"id": None}},
        {"from": {"id": {}}},
        {"from": {"id": "x" * 300}},
        {"from": []},
        {"from": {"id": True}},
        {"comment_id": None},
        {"comment_id": {}},
        {"created_time": None},
        {"created_time": "yesterday"},
        {"created_time": {}},
        {"created_time": True},
        {"edited_time": "soon"},
        {"message": 1, "post": [], "unheard_of": {"a": [1]}},
    ],
    ids=str,
)
def test_an_odd_comment_is_stored(odd: dict[str, Any]) -> None:
    event = event_of(with_change("feed", {**COMMENT, **odd}))
    assert event.event_type == "feed.comment.add"
    assert event.user_id in {"3", None}
    assert event.timestamp.timestamp() in {1789999980, SENT}


@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {}, {"item": 5, "verb": []}, {"item": "comment"}])
def test_a_value_of_any_type_is_stored_as_unknown(value: Any) -> None:
    assert event_of(with_change("feed", value)).event_type == "unknown.feed"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1789999980, 1789999980),
        ("1789999980", 1789999980),
        (1789999980123, 1789999980.123),
        (1789999980.5, 1789999980.5),
        ("2026-09-21T14:13:00+0000", 1789999980),
        ("2026-09-21T14:13:00Z", 1789999980),
        ("2026-09-21T14:13:00", 1789999980),
        (0, 0),
        (-86400, -86400),
    ],
)
def test_a_time_is_read_in_every_way_that_meta_writes_it(written: Any, seconds: float) -> None:
    event = event_of(with_change("feed", {**COMMENT, "created_time": written}))
    assert event.timestamp.timestamp() == pytest.approx(seconds)


@pytest.mark.parametrize(
    "digits", ["1e400", "-1e400", "9" * 30, "-" + "9" * 15, "1e99999", "99999999999999999999.5"]
)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_time_beyond_the_calendar_is_refused(digits: str, quoted: bool) -> None:
    written = f'"{digits}"' if quoted else digits
    body = with_change("feed", {**COMMENT, "created_time": "@"})
    if quoted and "e99999" in digits:
        return  # text that is no number at all
    rejection = rejection_in(json.dumps(body).replace('"@"', written).encode())
    assert rejection.reason is Reason.TIMESTAMP_OUT_OF_RANGE
    assert rejection.path == "$.change.value.created_time"


def test_a_time_of_tomorrow_and_later_is_refused() -> None:
    assert event_of(with_change("feed", {**COMMENT, "created_time": 1790000000 + 86400}))
    late = rejection_in(with_change("feed", {**COMMENT, "created_time": 1790000000 + 86402}))
    assert late.reason is Reason.TIMESTAMP_OUT_OF_RANGE


def purchase(custom_data: str) -> bytes:
    event = '{"event_name":"Purchase","event_time":1789999980,"event_id":"1","custom_data":%s}'
    return f'{{"data":[{event % custom_data}]}}'.encode()


@pytest.mark.parametrize(
    ("custom_data", "amount", "currency"),
    [
        ('{"value":142.52,"currency":"EUR"}', "142.52", "EUR"),
        ('{"value":"142.52","currency":"usd"}', "142.52", "USD"),
        ('{"value":29.990000000000002,"currency":"USD"}', "29.990000000000002", "USD"),
        ('{"value":0.1,"currency":"USD"}', "0.1", "USD"),
        ('{"value":12000,"currency":"JPY"}', "12000", "JPY"),
        ('{"value":1.2e3,"currency":"JPY"}', "1200", "JPY"),
        ('{"value":999999999999999.99,"currency":"JPY"}', "999999999999999.99", "JPY"),
        ('{"value":0,"currency":"EUR"}', "0", "EUR"),
        ('{"value":-0.0,"currency":"EUR"}', "0.0", "EUR"),
        ('{"value":" 5 ","currency":" eur "}', "5", "EUR"),
        ('{"value":5}', "5", None),
        ('{"value":5,"currency":null}', "5", None),
        ('{"value":5,"currency":""}', "5", None),
        ('{"value":null,"currency":"EUR"}', None, None),
        ('{"currency":"EUR"}', None, None),
        ("null", None, None),
        ("[]", None, None),
        ("7", None, None),
    ],
)
def test_a_purchase_is_worth_exactly_what_it_says(
    custom_data: str, amount: str | None, currency: str | None
) -> None:
    event = event_of(purchase(custom_data))
    assert event.amount == (None if amount is None else Decimal(amount))
    assert str(event.amount) == str(amount)
    assert event.currency == currency


@pytest.mark.parametrize(
    "value",
    [
        *(
            '"NaN"',
            '"Infinity"',
            '"-1"',
            "-0.01",
            "1e400",
            "1e15",
            "1000000000000000",
            '"1_000"',
            '"1,50"',
            '"five"',
        ),
        *("true", "[]", "{}", '"0x10"', "1e-31", '"\\u0661"', "1e99999", "-1e400"),
    ],
)
def test_money_that_is_none_is_refused_with_its_path(value: str) -> None:
    rejection = rejection_in(purchase(f'{{"value":{value},"currency":"EUR"}}'))
    assert (rejection.reason, rejection.path) == (Reason.SCHEMA_VIOLATION, "$.conversion.custom_data.value")


@pytest.mark.parametrize("currency", ['"EURO"', '"E"', "5", "{}", '"€"', '"ÄÖÜ"', "true"])
def test_a_currency_that_is_none_is_refused_with_its_path(currency: str) -> None:
    rejection = rejection_in(purchase(f'{{"value":5,"currency":{currency}}}'))
    assert rejection.path == "$.conversion.custom_data.currency"


def test_what_is_no_transaction_has_no_amount_and_its_money_may_be_anything() -> None:
    body = purchase('{"value":"NaN","currency":5}').replace(b"Purchase", b"AddToCart")
    assert event_of(body).amount is None


def order(*products: Mapping[str, Any]) -> dict[str, Any]:
    message = {"id": "wamid.1", "from": "46", "timestamp": "1789999980", "type": "order"}
    value = {"messages": [{**message, "order": {"product_items": list(products)}}]}
    return with_change("messages", value, "whatsapp_business_account")


@pytest.mark.parametrize(
    ("products", "amount"),
    [
        ([(2, 30, "USD"), (1, 25.5, "USD")], "85.5"),
        ([(3, 0.1, "usd"), (1, "0.7", "USD")], "1.0"),
        ([(1, 0, "USD")], "0"),
        ([(1, 10, "USD"), (1, 10, "EUR")], None),
        ([(1, 10, "USD"), (1, 10, None)], None),
        ([(None, 10, "USD")], None),
        ([(1, None, "USD")], None),
        ([], None),
    ],
)
def test_an_order_is_worth_the_sum_of_its_items_in_one_currency(
    products: list[Any], amount: str | None
) -> None:
    names: list[str] = ["quantity", "item_price", "currency"]
    event = event_of(order(*(dict(zip(names, product, strict=True)) for product in products)))
    assert event.amount == (None if amount is None else Decimal(amount))
    assert event.currency == (None if amount is None else "USD")
    assert (event.event_type, event.funnel_stage, event.user_id) == ("whatsapp.order", "bottom", "46")


@pytest.mark.parametrize("items", [None, 5, {}, [5], ["x", None], [{}]])
def test_an_order_of_no_items_is_stored_without_an_amount(items: Any) -> None:
    message = {"id": "wamid.1", "from": "46", "type": "order", "order": {"product_items": items}}
    assert (
        event_of(with_change("messages", {"messages": [message]}, "whatsapp_business_account")).amount is None
    )


@pytest.mark.parametrize(
    ("field", "value", "campaign"),
    [
        ("with_issues_ad_objects", {"id": 120210000000000009, "level": "CAMPAIGN"}, "120210000000000009"),
        ("with_issues_ad_objects", {"id": "1", "level": "AD"}, None),
        ("field_changed", {"object_id": 9, "object_type": "campaign"}, "9"),
        ("subscriptions", {"object_id": 9, "object_type": "ad"}, None),
        ("creative_fatigue", {"ad_id": 9, "campaign_id": "7"}, "7"),
    ],
)
def test_only_a_campaign_is_a_campaign(field: str, value: dict[str, Any], campaign: str | None) -> None:
    assert event_of(with_change(field, value, "ad_account")).campaign_id == campaign


def test_a_lead_names_its_ad_and_no_campaign() -> None:
    value = {"leadgen_id": 1, "ad_id": 2, "adgroup_id": 3, "created_time": 1789999980}
    assert event_of(with_change("leadgen", value)).campaign_id is None


def test_a_changed_field_belongs_to_the_user_whose_it_is() -> None:
    assert event_of(with_entry("user", id="7", changed_fields=["photos"])).user_id == "7"
    assert event_of(with_entry("page", id="7", changed_fields=["picture"])).user_id is None
