"""The list of alerts, as they are in the table."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from pipeline.store import Database

NOON = datetime(2026, 5, 14, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def alerts(database: Database) -> None:
    """Open and cleared ones, of two kinds, an hour apart."""
    for hour, (rule, kind, subject, cleared) in enumerate(
        [
            ("likes", "MILESTONE", "p-1", True),
            ("burst", "FRAUD", "p-1", True),
            ("silent", "ABSENCE", "tiktok", False),
            ("burst", "FRAUD", "p-2", False),
        ]
    ):
        opened = NOON + timedelta(hours=hour)
        await database.execute(
            "INSERT INTO alerts (rule, kind, key, subject, opened_at, cleared_at, raised_at, details) "
            "VALUES ($1, $2, $3, $4, $5::timestamptz, $6::timestamptz, $7::timestamptz, $8::json)",
            rule,
            kind,
            f"{rule}:{subject}:{hour}",
            subject,
            opened.isoformat(),
            (opened + timedelta(minutes=5)).isoformat() if cleared else None,
            (opened + timedelta(seconds=2)).isoformat(),
            json.dumps({"likes": 100 * hour, "users": ["u-1", "ü"]}),
        )


async def listed(client: httpx.AsyncClient, **query: str) -> list[Any]:
    answer = await client.get("/alerts", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_alert_is_shown_whole_the_newest_first(client: httpx.AsyncClient) -> None:
    found = await listed(client)

    assert [(row["kind"], row["subject"]) for row in found] == [
        ("FRAUD", "p-2"),
        ("ABSENCE", "tiktok"),
        ("FRAUD", "p-1"),
        ("MILESTONE", "p-1"),
    ]
    shown = found[2]
    assert shown.pop("id").isdecimal()
    assert shown == {
        "rule": "burst",
        "kind": "FRAUD",
        "subject": "p-1",
        "openedAt": "2026-05-14T13:00:00Z",
        "clearedAt": "2026-05-14T13:05:00Z",
        "raisedAt": "2026-05-14T13:00:02Z",
        "details": {"likes": 100, "users": ["u-1", "ü"]},
    }
    assert found[0]["clearedAt"] is None


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ({"kind": "FRAUD"}, ["p-2", "p-1"]),
        ({"subject": "p-1"}, ["p-1", "p-1"]),
        ({"kind": "MILESTONE", "subject": "p-1"}, ["p-1"]),
        ({"open": "true"}, ["p-2", "tiktok"]),
        ({"open": "false"}, ["p-1", "p-1"]),
        ({"from": "2026-05-14T13:00:00Z", "to": "2026-05-14T15:00:00Z"}, ["tiktok", "p-1"]),
        ({"limit": "1"}, ["p-2"]),
        ({"subject": "nobody"}, []),
    ],
)
async def test_filters_leave_only_what_they_name(
    client: httpx.AsyncClient, query: dict[str, str], subjects: list[str]
) -> None:
    assert [row["subject"] for row in await listed(client, **query)] == subjects


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"kind": "fraud"}, "kind"),
        ({"open": "yes"}, "open"),
        ({"limit": "1001"}, "limit"),
        ({"subject": "x" * 129}, "subject"),
        ({"from": "yesterday"}, "from"),
        ({"rule": "burst"}, "rule"),
    ],
)
async def test_what_is_wrong_is_told_by_its_name(
    client: httpx.AsyncClient, query: dict[str, str], parameter: str
) -> None:
    answer = await client.get("/alerts", params=query)
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
