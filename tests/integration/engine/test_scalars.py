"""Every scalar type goes in and comes out as it was, alone and in lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

pytestmark = [pytest.mark.exhaustive, pytest.mark.asyncio]

VALUES: list[tuple[str, Any]] = [
    ("text", "plain"),
    ("text", ""),
    ("text", "quotes \" and ' and \\ and \n\t\r and \x01"),
    ("text", "emoji 🌊, accents é, separators \u2028\u2029\x85 end"),
    ("text", "\u2028\u2028  \u2028"),
    ("text", "x" * 1_000_000),
    ("intValue", 0),
    ("intValue", -(2**31)),
    ("intValue", 2**31 - 1),
    ("bigintValue", 2**63 - 1),
    ("bigintValue", -(2**63)),
    ("bigintValue", 2**53 + 1),
    ("floatValue", 0.1),
    ("floatValue", -1.5e-300),
    ("floatValue", 1.797693134862315e308),
    ("floatValue", 1e22),
    ("floatValue", 9007199254740993.0),
    ("decimalValue", Decimal("12345678901234567890.123456789")),
    ("decimalValue", Decimal("-0.01")),
    ("boolValue", True),
    ("boolValue", False),
    ("moment", datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)),
    ("moment", datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)),
    ("exact", datetime(2026, 6, 1, 12, tzinfo=UTC)),
    ("day", datetime(2026, 2, 28, tzinfo=UTC)),
    ("role", "ADMIN"),
    ("uuid", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    ("texts", ["a", "", 'b"c', "\u2028"]),
    ("ints", [1, -2, 3]),
    ("bigints", [2**60, -1]),
    ("floats", [0.1, 2.0]),
    ("decimals", [Decimal("1.25"), Decimal(-3)]),
    ("bools", [True, False]),
    ("moments", [datetime(2026, 1, 2, tzinfo=UTC), datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)]),
    ("roles", ["READER", "ADMIN"]),
    ("texts", []),
]


@pytest.mark.parametrize(("field", "value"), VALUES, ids=lambda value: str(value)[:40])
async def test_a_value_comes_back_as_it_went_in(db: Any, field: str, value: Any) -> None:
    created = await db.scalars.create(data={field: value})
    found = await db.scalars.find_unique(where={"id": created.id})
    assert getattr(created, field) == value
    assert getattr(found, field) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1.5,
        "text",
        'a "quoted" \\ text',
        [],
        [1, [2, None]],
        {"a": {"b": ["c", 1e-7]}, "sep": "\u2028"},
    ],
    ids=str,
)
async def test_json_comes_back_as_it_went_in(db: Any, client_package: ModuleType, value: Any) -> None:
    json = client_package.Json
    created = await db.scalars.create(
        data={"document": json(value), "jsons": [json(value), json({"k": value})]}
    )
    found = await db.scalars.find_unique_or_raise(where={"id": created.id})
    assert found.document == value
    assert found.jsons == [value, {"k": value}]


async def test_json_is_stored_as_json_and_not_as_a_string(db: Any, client_package: ModuleType) -> None:
    await db.scalars.create(data={"document": client_package.Json({"a": [1]})})
    assert await db.query_raw("""SELECT document -> 'a' ->> 0 AS first FROM "Scalars" """) == [{"first": "1"}]


async def test_bytes_come_back_as_they_went_in(db: Any, client_package: ModuleType) -> None:
    base64 = client_package.Base64
    raw = bytes(range(256))
    created = await db.scalars.create(
        data={"bytesValue": base64.encode(raw), "blobs": [base64.encode(b"a"), base64.encode(b"")]}
    )
    found = await db.scalars.find_unique_or_raise(where={"id": created.id})
    assert found.bytesValue.decode() == raw
    assert [blob.decode() for blob in found.blobs] == [b"a", b""]


async def test_a_time_with_another_offset_is_the_same_moment(db: Any) -> None:
    local = datetime(2026, 1, 2, 3, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    created = await db.scalars.create(data={"moment": local, "exact": local})
    assert created.moment == local
    assert created.exact == local


async def test_values_can_be_set_to_null(db: Any) -> None:
    created = await db.scalars.create(
        data={"text": "x", "intValue": 1, "moment": datetime.now(UTC), "role": "ADMIN"}
    )
    updated = await db.scalars.update(
        where={"id": created.id}, data={"text": None, "intValue": None, "moment": None, "role": None}
    )
    assert (updated.text, updated.intValue, updated.moment, updated.role) == (None, None, None, None)


async def test_filters_work_on_every_type(db: Any, client_package: ModuleType) -> None:
    json = client_package.Json
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    wanted = await db.scalars.create(
        data={
            "text": "needle in hay",
            "intValue": 5,
            "bigintValue": 2**60,
            "floatValue": 1.5,
            "decimalValue": Decimal("9.99"),
            "boolValue": True,
            "moment": moment,
            "document": json({"k": "v"}),
            "bytesValue": client_package.Base64.encode(b"b"),
            "role": "WRITER",
            "texts": ["a", "b"],
            "ints": [1, 2],
        }
    )
    await db.scalars.create(data={})
    filters: list[dict[str, Any]] = [
        {"text": {"contains": "needle"}},
        {"text": {"startswith": "NEEDLE", "mode": "insensitive"}},
        {"text": {"in": ["needle in hay", "other"]}},
        {"intValue": {"gt": 4, "lte": 5}},
        {"bigintValue": 2**60},
        {"floatValue": {"gte": 1.5}},
        {"decimalValue": Decimal("9.990")},
        {"boolValue": True},
        {"moment": {"lt": moment + timedelta(seconds=1), "gte": moment}},
        {"document": {"equals": json({"k": "v"})}},
        {"bytesValue": client_package.Base64.encode(b"b")},
        {"role": "WRITER"},
        {"texts": {"has": "a"}},
        {"texts": {"has_every": ["a", "b"]}},
        {"ints": {"equals": [1, 2]}},
        {"NOT": [{"text": None}]},
        {"AND": [{"intValue": 5}, {"OR": [{"text": "nope"}, {"role": {"not": "ADMIN"}}]}]},
    ]
    for where in filters:
        found = await db.scalars.find_many(where=where)
        assert [row.id for row in found] == [wanted.id], where


async def test_numbers_and_lists_can_be_updated_in_place(db: Any) -> None:
    created = await db.scalars.create(data={"intValue": 5, "floatValue": 2.0, "ints": [1], "texts": ["a"]})
    updated = await db.scalars.update(
        where={"id": created.id},
        data={
            "intValue": {"increment": 2},
            "floatValue": {"multiply": 2.5},
            "ints": {"push": [2, 3]},
            "texts": {"set": ["b"]},
        },
    )
    assert (updated.intValue, updated.floatValue, updated.ints, updated.texts) == (7, 5.0, [1, 2, 3], ["b"])
