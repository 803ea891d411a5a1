"""Migrations, indexes, drift, and what Postgres and NATS promise."""

from typing import Any

import msgspec
import pytest

from console.doctor.database import judge_settings
from console.doctor.datamodel import differences, tables
from console.doctor.drift import judge_drift
from console.doctor.schema import (
    MIGRATIONS,
    Applied,
    checksums,
    judge_indexes,
    judge_migrations,
    made_indexes,
)
from console.doctor.streams import Varz, judge_durability, judge_topology
from console.doctor.surroundings import ROOT
from pipeline.stream.inspection import Deviation

SCHEMA = (ROOT / "prisma" / "schema.prisma").read_text()
WANTED = {"1_init": "aa", "2_more": "bb"}


def applied(*names: str, finished: bool = True, **checksum: str) -> list[Applied]:
    return [Applied(name, checksum.get(name, WANTED.get(name, "")), finished) for name in names]


def test_all_migrations_are_applied() -> None:
    (result,) = judge_migrations(WANTED, applied("1_init", "2_more"))

    assert (result.status, result.found) == ("ok", "all 2 are applied")


@pytest.mark.parametrize(
    ("found", "status", "text"),
    [
        (applied("1_init"), "failed", "not applied: 2_more"),
        ([], "failed", "not applied: 1_init, 2_more"),
        (applied("1_init", "2_more", "3_newer"), "warning", "applied, and not known here: 3_newer"),
        (
            [Applied("1_init", "aa", True), Applied("2_more", "bb", False)],
            "failed",
            "begun and not finished: 2_more",
        ),
        (
            [Applied("1_init", "edited", True), Applied("2_more", "bb", True)],
            "warning",
            "not as they were when they were applied: 1_init",
        ),
    ],
)
def test_migrations_that_are_not_as_they_should_be(found: list[Applied], status: str, text: str) -> None:
    (result,) = judge_migrations(WANTED, found)

    assert (result.status, result.found) == (status, text)


def test_the_migrations_of_this_project_are_found_in_order() -> None:
    assert next(iter(checksums(MIGRATIONS))).endswith("_init")


def test_indexes_that_are_left_when_all_migrations_were_applied() -> None:
    scripts = [
        "CREATE UNIQUE INDEX a_idx ON a (x);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS b_idx ON b USING brin (y);",
        "-- CREATE INDEX not_this ON c (z)\nDROP INDEX IF EXISTS a_idx;\ncreate index c_idx on c (lower(z));",
    ]

    assert made_indexes(scripts) == ["b_idx", "c_idx"]


def test_indexes_that_are_missing_or_unusable() -> None:
    results = list(judge_indexes(["a", "b", "c"], {"b": False, "c": True}))

    assert [(result.status, result.found) for result in results] == [
        ("warning", "missing: a"),
        ("warning", "unusable: b"),
    ]
    assert [result.status for result in judge_indexes(["c"], {"c": True})] == ["ok"]


def test_a_schema_is_read_as_tables_and_columns() -> None:
    found = tables(SCHEMA)

    assert found["event_ledger"] == {"key": "String @db.Uuid @id", "stored_at": "DateTime @db.Timestamptz(6)"}
    assert found["events"]["user_id"] == "String?"
    assert found["event_rollups"][""].startswith("@@id([bucketSeconds, bucket")


def test_a_database_that_is_as_the_schema_says() -> None:
    pulled = "\nWARNING: Your schema specifies …\n" + SCHEMA.replace(
        "@default(now()) ", '@default(dbgenerated("now()")) '
    )

    assert list(differences(SCHEMA, pulled)) == []
    (result,) = judge_drift([])
    assert result.status == "ok"


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("  facets         String\n", "", "events.facets is missing"),
        ("  facets         String\n", "  facets Int\n", "events.facets is Int, and should be String"),
        ("  facets         String\n", "  facets String?\n", "events.facets is String?, and should be String"),
        (
            "  facets         String\n",
            "  facets String\n  mine Int?\n",
            "events.mine is nowhere in the schema",
        ),
        ('@@map("audience_folds")', '@@map("other")', "the table audience_folds is missing"),
        (
            "model Event {",
            "model mine {\n  id Int @id\n}\n\nmodel Event {",
            "the table mine is nowhere in the schema",
        ),
        (
            "@@id([source, bucketSeconds, bucket])",
            "@@id([source])",
            "the primary key of audience_buckets is @@id",
        ),
    ],
)
def test_what_of_a_database_has_drifted(old: str, new: str, difference: str) -> None:
    assert old in SCHEMA

    found = list(differences(SCHEMA, SCHEMA.replace(old, new)))

    assert any(each.startswith(difference) for each in found)
    assert {result.status for result in judge_drift(found)} == {"failed"}


def test_many_differences_are_not_all_told() -> None:
    results = list(judge_drift([f"table_{number} is missing" for number in range(40)]))

    assert results[-1].found == "and 34 more differences"


SAFE: dict[str, Any] = {
    "server_encoding": "UTF8",
    "timezone": "UTC",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "plpgsql": 1,
}


def test_a_postgres_that_keeps_what_it_is_given() -> None:
    assert [result.status for result in judge_settings(SAFE)] == ["ok"]
    assert [result.status for result in judge_settings({**SAFE, "synchronous_commit": "remote_apply"})] == [
        "ok"
    ]


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        ("fsync", "off", "warning"),
        ("full_page_writes", "off", "warning"),
        ("synchronous_commit", "off", "warning"),
        ("server_encoding", "SQL_ASCII", "failed"),
        ("timezone", "Europe/Berlin", "warning"),
        ("plpgsql", 0, "failed"),
    ],
)
def test_a_postgres_that_does_not(setting: str, value: object, status: str) -> None:
    (result,) = judge_settings({**SAFE, setting: value})

    assert result.status == status
    assert result.advice


def test_streams_against_the_settings() -> None:
    deviations = [
        Deviation("EVENTS", "max_bytes", "1024", "4096"),
        Deviation("DEAD_LETTERS", "", "missing", "there"),
    ]

    results = list(judge_topology(deviations))

    assert [(result.status, result.found) for result in results] == [
        ("failed", "EVENTS has max_bytes 1024; the settings ask for 4096"),
        ("warning", "there is no stream DEAD_LETTERS"),
    ]
    assert [result.status for result in judge_topology([])] == ["ok"]


def varz(**config: Any) -> Varz:
    return msgspec.convert({"jetstream": {"config": config} if config else {}}, Varz)


def test_nats_that_syncs_every_message_and_nats_that_does_not() -> None:
    (always,) = judge_durability(varz(sync_always=True, sync_interval=120_000_000_000))
    (seldom,) = judge_durability(varz(sync_interval=120_000_000_000))
    (never,) = judge_durability(varz())

    assert always.status == "ok"
    assert (seldom.status, "only every 120 s" in seldom.found) == ("failed", True)
    assert (never.status, never.found) == ("failed", "JetStream is not enabled")
