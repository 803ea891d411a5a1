"""Activity against the same figures computed in Python, over ranges that cut hours and days."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipeline.store import Database
from tests.integration.reporter.traffic import START, Traffic, make_events, store, within

CUT = datetime(2026, 5, 14, 7, 41, 12, 345678, UTC)
RANGES = [
    (None, None),
    (CUT, None),
    (None, CUT),
    (START + timedelta(minutes=7), CUT),
    (CUT, CUT + timedelta(milliseconds=700)),
    (datetime(2026, 5, 14, tzinfo=UTC), datetime(2026, 5, 15, tzinfo=UTC)),
]


def expected(
    traffic: Traffic, by: str, starts: datetime | None, ends: datetime | None
) -> Mapping[tuple[str, str], Any]:
    """(events, transactions, money) by (bucket, source); the made-up events name no currency."""
    found: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [0, 0, Decimal(0)])
    for source, records in traffic.items():
        for record in within(records, starts, ends):
            bucket = record.occurred_at.replace(minute=0, second=0, microsecond=0)
            bucket = bucket.replace(hour=0) if by == "day" else bucket
            sums = found[bucket.isoformat().replace("+00:00", "Z"), source]
            sums[0] += 1
            if record.amount is not None:
                sums[1] += 1
                sums[2] += record.amount
    return found


@pytest.mark.parametrize("by", ["hour", "day"])
@pytest.mark.exhaustive
async def test_activity_is_exact_over_every_range(
    client: httpx.AsyncClient, database: Database, by: str
) -> None:
    traffic = make_events(3_000, seed=11, users=300)
    await store(database, traffic)
    for starts, ends in RANGES:
        query = {"from": starts, "to": ends}
        given = {name: instant.isoformat() for name, instant in query.items() if instant}
        rows = (await client.get("/activity", params={"by": by, **given})).json()

        truth = expected(traffic, by, starts, ends)
        assert {(row["bucket"], row["source"]): [row["events"], row["transactions"]] for row in rows} == {
            key: sums[:2] for key, sums in truth.items()
        }
        for row in rows:
            events, transactions, money = truth[row["bucket"], row["source"]]
            shown = [(taken["currency"], Decimal(taken["totalRevenue"])) for taken in row["revenue"]]
            assert shown == ([(None, money)] if transactions else []), (row, events)
        assert [(row["bucket"], row["source"]) for row in rows] == sorted(truth)


async def test_only_one_source_and_hours_unless_said_otherwise(
    client: httpx.AsyncClient, database: Database
) -> None:
    traffic = make_events(400, seed=12, users=50)
    await store(database, traffic)

    rows = (await client.get("/activity", params={"source": "tiktok"})).json()

    assert {(row["bucket"], row["source"]) for row in rows} == set(
        expected({"tiktok": traffic["tiktok"]}, "hour", None, None)
    )


@pytest.mark.parametrize(
    ("query", "parameter"),
    [({"by": "week"}, "by"), ({"source": "myspace"}, "source"), ({"eventType": "like"}, "eventType")],
)
async def test_what_is_wrong_is_told_by_its_name(
    client: httpx.AsyncClient, query: dict[str, str], parameter: str
) -> None:
    answer = await client.get("/activity", params=query)
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
