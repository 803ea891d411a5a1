"""Writing: every field as it came, every event once, whoever writes it and however often."""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from pipeline.errors import DataRejected
from pipeline.events.record import join_facets
from pipeline.store import Database, EventStore, WriteResult
from tests.integration.store.conftest import OpenDatabase
from tests.integration.store.records import NOON, record

TABLES = ("event_ledger", "events", "event_rollups", "audience_segments")

TEXTS = {
    "plain": "Ada",
    "emoji": "👩‍💻🇵🇹",
    "quotes": """'single' "double" `back` ''""",
    "backslashes": r"\ \\ \n \u0041 \x41 E'\\'",
    "lines": "first\nsecond\r\nthird\ttab",
    "separators": "before\x1eafter\x1dand\x1c",
    "controls": "".join(map(chr, range(1, 0x20))) + "\x7f\x85\u2028\u2029",
    "placeholders": "$1 %s {name} {{x}} ?",
    "sql": "'); DROP TABLE events; --",
    "combining": "é é ﬁ \ufeff\u200b",
    "far planes": "\U00010000\U0010ffff\ue000\uffff",
    "spaces": "  around  ",
    "empty": "",
}

PAYLOADS = [
    b'{"a":1}',
    b'{ "b" : [ 1 , 2.50 , 1e3 ] ,\n "a" : null }',  # neither blanks nor the order of keys may change
    b'{"dup":1,"dup":2}',
    b'{"text":"\\u00fc \\/ \\ud83d\\ude00 \\\\u0000","raw":"\xc3\xbc \xf0\x9f\x98\x80 \x7f"}',
    b'{"number":123456789012345678901234567890.10,"exponent":1E400}',
    b'{"quotes":"\\"\' $$ $1","deep":[[[[[[[[{}]]]]]]]]}',
]


async def test_every_field_is_stored_as_it_came(database: Database, look: asyncpg.Connection) -> None:
    occurred_at = datetime(2026, 5, 14, 10, 46, 28, 214_567, UTC)
    received_at = datetime(
        2026, 5, 14, 13, 46, 29, 1, tzinfo=datetime.fromisoformat("2026-01-01T00:00+03:00").tzinfo
    )
    full = record(
        occurred_at=occurred_at,
        received_at=received_at,
        amount=Decimal("123456789012345.12345678"),
        currency="EUR",
        watch_seconds=12.625,
        watched_percent=99.9,
    )
    sparse = record(user_id=None, amount=None, campaign_id=None, facets="")

    assert await EventStore(database, "facebook").write([full, sparse]) == WriteResult(stored=2, duplicates=0)

    rows = {row["event_id"]: row for row in await look.fetch("SELECT * FROM events")}
    row = rows[full.event_id]
    assert row["source"] == "facebook"
    assert (row["funnel_stage"], row["event_type"]) == ("bottom", "checkout.complete")
    assert row["occurred_at"] == occurred_at
    assert row["received_at"] == received_at
    assert (row["user_id"], row["facets"]) == (full.user_id, full.facets)
    assert str(row["amount"]) == "123456789012345.12345678"
    assert (row["currency"], row["campaign_id"]) == ("EUR", full.campaign_id)
    assert (str(row["watch_seconds"]), str(row["watched_percent"])) == ("12.625", "99.9")
    assert row["payload"].encode() == bytes(full.payload)
    empty = rows[sparse.event_id]
    assert empty["facets"] == ""
    for name in ("user_id", "amount", "currency", "campaign_id", "watch_seconds", "watched_percent"):
        assert empty[name] is None, name


async def test_text_is_stored_character_by_character(database: Database, look: asyncpg.Connection) -> None:
    written = {
        name: record(
            event_id=f"{name} {text}",
            user_id=text,
            campaign_id=text,
            facets=join_facets(text, name, text),
            payload=msgspec.Raw(msgspec.json.encode({"text": text})),
        )
        for name, text in TEXTS.items()
    }

    await EventStore(database, "facebook").write(list(written.values()))

    rows = {row["event_id"]: row for row in await look.fetch("SELECT * FROM events")}
    for name, text in TEXTS.items():
        row = rows[written[name].event_id]
        assert row["user_id"] == row["campaign_id"] == text, name
        assert row["facets"] == written[name].facets, name
        assert json.loads(row["payload"]) == {"text": text}, name
    kept = await look.fetchval("SELECT facets FROM audience_segments")
    assert sorted(kept or []) == sorted(each.facets for each in written.values())


async def test_payloads_are_stored_byte_for_byte(database: Database, look: asyncpg.Connection) -> None:
    written = [record(payload=msgspec.Raw(payload)) for payload in PAYLOADS]

    await EventStore(database, "facebook").write(written)

    rows = await look.fetch("SELECT event_id, payload, pg_typeof(payload)::text AS type FROM events")
    stored = {row["event_id"]: row["payload"].encode() for row in rows}
    assert stored == {each.event_id: bytes(each.payload) for each in written}
    assert {row["type"] for row in rows} == {"json"}


async def test_the_past_is_unlimited(database: Database, look: asyncpg.Connection) -> None:
    moments = [
        datetime.fromisoformat(text)
        for text in (
            "0001-01-02T00:00:00+00:00",
            "1969-12-31T23:59:59.999999+00:00",
            "2024-02-29T23:59:59+14:00",
        )
    ]

    await EventStore(database, "facebook").write([record(occurred_at=moment) for moment in moments])

    assert await look.fetchval("SELECT array_agg(occurred_at ORDER BY occurred_at) FROM events") == moments


async def test_a_large_batch_is_stored_as_a_whole(database: Database, look: asyncpg.Connection) -> None:
    large = b'{"text":"' + b"\\\\ \xf0\x9f\x98\x80" * 20_000 + b'"}'
    records = [record() for _ in range(4000)] + [record(payload=msgspec.Raw(large)) for _ in range(20)]

    assert (await EventStore(database, "facebook").write(records)).stored == 4020

    assert await look.fetchval("SELECT count(*) FROM events") == 4020
    assert await look.fetchval("SELECT min(payload::text) FROM events WHERE length(payload::text) > 99") == (
        large.decode()
    )


async def test_an_empty_batch_is_no_event(database: Database, look: asyncpg.Connection) -> None:
    assert await EventStore(database, "facebook").write([]) == WriteResult(stored=0, duplicates=0)
    assert await everything(look) == {table: [] for table in TABLES}


async def test_duplicates_across_batches_are_counted_and_change_nothing(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")
    records = [record(amount=Decimal(number)) for number in range(1, 6)]
    await store.write(records)
    before = await everything(look)

    assert await store.write(records) == WriteResult(stored=0, duplicates=5)
    assert await store.write(records[::-1]) == WriteResult(stored=0, duplicates=5)
    assert await everything(look) == before

    assert await store.write([*records, record()]) == WriteResult(stored=1, duplicates=5)
    assert await look.fetchval("SELECT count(*) FROM events") == 6
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 60") == 6
    assert await look.fetchval("SELECT sum(events) FROM audience_segments") == 6


async def test_of_duplicates_within_a_batch_the_first_is_stored(
    database: Database, look: asyncpg.Connection
) -> None:
    first, second = record(event_id="twice", amount=Decimal(1)), record(event_id="twice", amount=Decimal(2))

    result = await EventStore(database, "facebook").write([first, record(), second, first])

    assert result == WriteResult(stored=2, duplicates=2)
    assert await look.fetchval("SELECT amount FROM events WHERE event_id = 'twice'") == 1
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 1") == 2
    assert await look.fetchval("SELECT events FROM audience_segments") == 2


async def test_the_same_id_with_another_timestamp_is_the_same_event(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")
    await store.write([record(event_id="moved")])

    for days in (1, -40, 400):
        moved = record(event_id="moved", occurred_at=NOON + timedelta(days=days))
        assert await store.write([moved]) == WriteResult(stored=0, duplicates=1)

    assert await look.fetchval("SELECT array_agg(occurred_at) FROM events") == [NOON]


async def test_the_same_id_from_two_sources_is_two_events(
    database: Database, look: asyncpg.Connection
) -> None:
    for source in ("facebook", "tiktok"):
        result = await EventStore(database, source).write([record(event_id="shared")])
        assert result == WriteResult(stored=1, duplicates=0)

    rows = await look.fetch("SELECT source, event_id FROM events ORDER BY source")
    assert [tuple(row) for row in rows] == [("facebook", "shared"), ("tiktok", "shared")]


async def test_writers_with_overlapping_batches_in_any_order_store_each_event_once(
    open_database: OpenDatabase, look: asyncpg.Connection
) -> None:
    records = [record(occurred_at=NOON + timedelta(seconds=n % 90), amount=Decimal(n)) for n in range(1200)]
    databases = [await open_database() for _ in range(3)]
    stores = [EventStore(database, "facebook") for database in databases for _ in range(2)]

    async def write(store: EventStore, seed: int) -> int:
        shuffled = random.Random(seed).sample(records, len(records))
        return sum([(await store.write(shuffled[at : at + 300])).stored for at in range(0, 1200, 300)])

    stored = await asyncio.gather(*(write(store, seed) for seed, store in enumerate(stores)))

    assert sum(stored) == 1200
    assert await look.fetchval("SELECT count(*) FROM events") == 1200
    assert await look.fetchval("SELECT count(DISTINCT event_id) FROM events") == 1200
    assert await look.fetchval("SELECT count(*) FROM event_ledger") == 1200
    assert await look.fetchval("SELECT sum(events) FROM audience_segments") == 1200
    for seconds in (1, 60, 3600, 86400):
        row = await look.fetchrow(
            "SELECT sum(events), sum(revenue) FROM event_rollups WHERE bucket_seconds = $1", seconds
        )
        assert row is not None
        assert tuple(row) == (1200, sum(range(1200)))
    deadlocks = await look.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert deadlocks == 0


# Random, because Postgres compresses what it can before it says that an index row is too large.
LONG = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=10_000))

POISONS = {
    "too large for an index": ("54000", {"campaign_id": LONG}),
    "lone surrogate": ("22P02", {"payload": msgspec.Raw(rb'{"a":"\ud800"}')}),
    "null character": ("22P05", {"payload": msgspec.Raw(rb'{"a":"\u0000"}')}),
    "null character in a column": ("22P05", {"user_id": "a\x00b"}),
    "no JSON": ("22P02", {"payload": msgspec.Raw(b'{"a":')}),
}


async def test_what_postgres_refuses_is_told_and_nothing_of_its_batch_is_stored(
    database: Database, look: asyncpg.Connection
) -> None:
    store = EventStore(database, "facebook")
    good = [record(), record()]

    for name, (sqlstate, changes) in POISONS.items():
        with pytest.raises(DataRejected) as refusal:
            await store.write([good[0], record(**changes), good[1]])
        assert refusal.value.sqlstate == sqlstate, name
        assert await everything(look) == {table: [] for table in TABLES}, name

    assert await store.write(good) == WriteResult(stored=2, duplicates=0)


async def everything(look: asyncpg.Connection) -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {
        table: sorted(tuple(row) for row in await look.fetch(f"SELECT {table}::text FROM {table}"))
        for table in TABLES
    }
