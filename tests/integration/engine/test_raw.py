"""Raw statements: shapes and values of results, parameters, and the same inside and outside of a transaction."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio

COLUMNS: list[tuple[str, Any]] = [
    ("1::int2", 1),
    ("-2::int4", -2),
    ("9223372036854775807::int8", 2**63 - 1),
    ("5::oid", 5),
    ("1.5::float4", 1.5),
    ("0.30000000000000004::float8", 0.30000000000000004),
    ("1e22::float8", 1e22),
    ("'NaN'::float8", None),
    ("1.25::numeric", 1.25),
    ("true", True),
    ("false", False),
    ("'té \"x\" \\ y'::text", 'té "x" \\ y'),
    ("''::varchar", ""),
    ("'c'::char(2)", "c "),
    ("'n'::name", "n"),
    ('\'{"a": [1, null, "x"]}\'::json', {"a": [1, None, "x"]}),
    ("'[1.50, true]'::jsonb", [1.5, True]),
    ("'null'::jsonb", None),
    ("'\\x00ff'::bytea", "AP8="),
    ("'3f2504e0-4f89-11d3-9a0c-0305e82c3301'::uuid", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    ("'2026-01-02'::date", "2026-01-02"),
    ("'10:11:12.5'::time", "10:11:12.500"),
    ("'2026-01-02 03:04:05'::timestamp", "2026-01-02T03:04:05+00:00"),
    ("'2026-01-02 03:04:05.123456'::timestamp", "2026-01-02T03:04:05.123456+00:00"),
    ("'2026-01-02 03:04:05.5+02'::timestamptz", "2026-01-02T01:04:05.500+00:00"),
    ("'ADMIN'::\"Role\"", "ADMIN"),
    ("NULL::int", None),
    ("interval '1 day 2 hours'", "1 day 02:00:00"),
    ("'10.0.0.1'::inet", "10.0.0.1"),
    ("'101'::bit(3)", "101"),
    ("array[1, NULL]::int[]", [1, None]),
    ("array[9223372036854775807]::int8[]", [2**63 - 1]),
    ("array[1.5]::float8[]", [1.5]),
    ("array[1.5]::numeric[]", [1.5]),
    ("array[true, false]", [True, False]),
    ("array['a', 'b,\"c']", ["a", 'b,"c']),
    ("array['{\"a\": 1}']::jsonb[]", [{"a": 1}]),
    ("array['2026-01-02 03:04:05+00']::timestamptz[]", ["2026-01-02T03:04:05+00:00"]),
    ("array['\\x61']::bytea[]", ["YQ=="]),
    ("'{}'::text[]", []),
]


@pytest.mark.exhaustive
async def test_every_column_type_is_the_same_inside_and_outside_a_transaction(db: Any) -> None:
    selection = ", ".join(f"{expression} AS c{n}" for n, (expression, _) in enumerate(COLUMNS))
    expected = [{f"c{n}": value for n, (_, value) in enumerate(COLUMNS)}]
    assert await db.query_raw(f"SELECT {selection}") == expected
    async with db.tx() as tx:
        assert await tx.query_raw(f"SELECT {selection}") == expected


async def test_parameters_of_every_kind(db: Any, client_package: ModuleType) -> None:
    rows = await db.query_raw(
        """
        SELECT $1::text AS text, $2::int AS int, $3::int8 AS big, $4::float8 AS float, $5::bool AS bool,
               $6::numeric::text AS decimal, $7::timestamptz AS moment, $8::jsonb AS document, $9::text[] AS texts,
               $10::int8[] AS bigs, $11::text AS nothing, $12::json ->> 'n' AS digits, $13::text AS escapes
        """,
        "té 🌊 \u2028 x",
        7,
        2**63 - 1,
        0.30000000000000004,
        True,
        Decimal("12345678901234567890.10"),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        client_package.Json({"a": [1, {"b": None}]}),
        ["a", 'b,"c', "\\"],
        [2**60, -1],
        None,
        {"n": 12345678901234567890},
        'a"\\\n\t\x01{[',
    )
    assert rows == [
        {
            "text": "té 🌊 \u2028 x",
            "int": 7,
            "big": 2**63 - 1,
            "float": 0.30000000000000004,
            "bool": True,
            "decimal": "12345678901234567890.10",
            "moment": "2026-01-02T03:04:05+00:00",
            "document": {"a": [1, {"b": None}]},
            "texts": ["a", 'b,"c', "\\"],
            "bigs": [2**60, -1],
            "nothing": None,
            "digits": "12345678901234567890",
            "escapes": 'a"\\\n\t\x01{[',
        }
    ]


@pytest.mark.parametrize(
    "values",
    [
        ["A" * 5000, "b"],
        ["B" * 5000, "C" * 5000, "é" * 5000],
        ["x, ", *range(10**9, 10**9 + 400), "y"],
        [{"k": "D" * 5000}, "E" * 5000],
        ["q\"'" + "F" * 5000, "G" * 5000],
        [["H" * 5000, "I" * 5000], "J" * 5000],
        ["K" * 5000 + "\u2028", "L" * 5000],
        ["\\" * 3, "M" * 5000 + "\\", '"'],
        ['    parameters: "["', "N" * 5000],
    ],
    ids=lambda values: f"{str(values)[:12]}",
)
async def test_long_strings_arrive_whole_wherever_they_stand(db: Any, values: list[Any]) -> None:
    kinds = ["text[]" if isinstance(v, list) else "jsonb" if isinstance(v, dict) else "text" for v in values]
    columns = ", ".join(f"${n}::{kind} AS c{n}" for n, kind in enumerate(kinds, start=1))
    expected = [{f"c{n}": str(v) if isinstance(v, int) else v for n, v in enumerate(values, start=1)}]
    comment = '/* \\n    parameters: "[\\" */' if len(values) < 50 else ""
    assert await db.query_raw(f"SELECT {columns} {comment}", *values) == expected


async def test_a_batch_of_rows_as_one_parameter(db: Any) -> None:
    rows = [{"name": f"tag {n} \"'\\ é"} for n in range(20_000)]
    encoded = b64encode(json.dumps(rows).encode()).decode()
    inserted = await db.execute_raw(
        """
        INSERT INTO "Tag" (name)
        SELECT name FROM json_to_recordset(convert_from(decode($1, 'base64'), 'utf8')::json) AS row (name text)
        """,
        encoded,
    )
    assert inserted == 20_000
    assert await db.tag.find_unique(where={"name": "tag 19999 \"'\\ é"}) is not None


@pytest.mark.exhaustive
async def test_a_body_of_64_mib_is_accepted(db: Any) -> None:
    assert await db.query_raw("SELECT length($1::text) AS length", "z" * 2**26) == [{"length": 2**26}]


async def test_results_as_models(db: Any, client_package: ModuleType) -> None:
    await db.scalars.create(
        data={
            "decimalValue": Decimal("1.50"),
            "bigintValue": 2**60,
            "moment": datetime(2026, 1, 2, tzinfo=UTC),
            "document": client_package.Json({"a": 1}),
            "bytesValue": client_package.Base64.encode(b"x"),
        }
    )
    for rows in (await db.query_raw('SELECT * FROM "Scalars"', model=client_package.models.Scalars),):
        assert rows[0].decimalValue == Decimal("1.5")
        assert rows[0].bigintValue == 2**60
        assert rows[0].moment == datetime(2026, 1, 2, tzinfo=UTC)
        assert rows[0].document == {"a": 1}
        assert rows[0].bytesValue.decode() == b"x"
    assert await db.query_first('SELECT 1 AS one FROM "Scalars"') == {"one": 1}
    assert await db.query_first('SELECT 1 FROM "Scalars" WHERE false') is None


async def test_statements_without_rows(db: Any) -> None:
    assert await db.execute_raw('INSERT INTO "Tag" VALUES ($1), ($2)', "a", "b") == 2
    assert await db.query_raw('DELETE FROM "Tag"') == []
    assert await db.execute_raw("SELECT 1 WHERE false") == 0
    assert await db.query_raw("SELECT pg_notify('channel', 'message') AS sent") == [{"sent": ""}]


async def test_a_statement_survives_a_change_of_the_tables_it_reads(db: Any) -> None:
    await db.execute_raw("DROP TABLE IF EXISTS changing")
    await db.execute_raw("CREATE TABLE changing AS SELECT 1 AS a")
    for _ in range(3):
        assert await db.query_raw("SELECT * FROM changing WHERE a = $1", 1) == [{"a": 1}]
    await db.execute_raw("ALTER TABLE changing ADD COLUMN b text DEFAULT 'new'")
    for _ in range(3):
        assert await db.query_raw("SELECT * FROM changing WHERE a = $1", 1) == [{"a": 1, "b": "new"}]
    await db.execute_raw("DROP TABLE changing")


async def test_hot_statements_are_prepared_once_per_connection(make_client: Any, postgres: Any) -> None:
    db = await make_client(postgres.url(connection_limit=1))
    for n in range(5):
        await db.query_raw("SELECT $1::int + 1 AS next", n)
    prepared = "SELECT statement FROM pg_prepared_statements"
    assert await db.query_raw(prepared) == [{"statement": "SELECT $1::int + 1 AS next"}]
    off = await make_client(postgres.url(connection_limit=1, pgbouncer="true"))
    for n in range(5):
        await off.query_raw("SELECT $1::int + 1 AS next", n)
    assert await off.query_raw(prepared) == []


async def test_sockets_and_schemas(make_client: Any, postgres: Any) -> None:
    by_socket = await make_client(postgres.socket_url())
    assert await by_socket.query_raw("SELECT inet_client_addr() IS NULL AS local") == [{"local": True}]
    in_schema = await make_client(postgres.url(schema="my%20schema"))
    assert await in_schema.query_raw("SHOW search_path") == [{"search_path": '"my schema"'}]
