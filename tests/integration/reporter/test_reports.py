"""Each report against the same figures computed in Python, over ranges that cut every bucket size."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import httpx
import pytest

from collectors.registry import SOURCES
from pipeline.store import Database
from reporter.fold_loop import FoldLoop
from tests.integration.reporter.folds import fold_everything
from tests.integration.reporter.traffic import (
    START,
    Traffic,
    expected_audience,
    expected_counts,
    expected_revenue,
    make_events,
    store,
    within,
)

RANGES = {
    "everything": (None, None),
    "open start": (None, START + timedelta(hours=3, microseconds=7)),
    "open end": (START + timedelta(minutes=61), None),
    "cuts days": (datetime(2026, 5, 14, 1, tzinfo=UTC), datetime(2026, 5, 14, 23, tzinfo=UTC)),
    "cuts hours": (datetime(2026, 5, 13, 23, 17, tzinfo=UTC), datetime(2026, 5, 15, 0, 44, tzinfo=UTC)),
    "cuts minutes": (
        datetime(2026, 5, 13, 23, 17, 5, tzinfo=UTC),
        datetime(2026, 5, 15, 0, 44, 59, tzinfo=UTC),
    ),
    "cuts seconds": (
        datetime(2026, 5, 13, 23, 17, 5, 999, tzinfo=UTC),
        datetime(2026, 5, 15, 0, 44, 59, 500_001, tzinfo=UTC),
    ),
    "within a minute": (START + timedelta(hours=2), START + timedelta(hours=2, seconds=20)),
    "within a second": (START + timedelta(hours=2), START + timedelta(hours=2, milliseconds=300)),
    "nothing": (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)),
}


def query(starts: datetime | None, ends: datetime | None) -> dict[str, str]:
    given = {"from": starts, "to": ends}
    return {name: instant.isoformat() for name, instant in given.items() if instant}


@pytest.fixture
async def traffic(database: Database) -> Traffic:
    traffic = make_events(6_000, seed=1, users=1_500)
    await store(database, traffic)
    return traffic


@pytest.mark.parametrize("folded", [False, True], ids=["not folded", "folded"])
async def test_every_report_is_exact_over_every_range(
    client: httpx.AsyncClient, traffic: Traffic, fold_loop: FoldLoop, folded: bool
) -> None:
    if folded:
        await fold_everything(fold_loop)
    for name, (starts, ends) in RANGES.items():
        counts = (await client.get("/reports/events", params=query(starts, ends))).json()
        found = {(row["source"], row["funnelStage"], row["eventType"]): row["count"] for row in counts}
        assert found == expected_counts(traffic, starts, ends), name
        assert [row["count"] for row in counts] == sorted(found.values(), reverse=True)

        for row in (await client.get("/reports/revenue", params=query(starts, ends))).json():
            total, transactions = expected_revenue(within(traffic[row["source"]], starts, ends))
            average = (total / transactions).quantize(Decimal("0.01"), ROUND_HALF_EVEN) if transactions else 0
            assert Decimal(row["totalRevenue"]) == total, name
            assert row["transactionCount"] == transactions
            assert Decimal(row["averageTransactionValue"]) == average

        demographics = (await client.get("/reports/demographics", params=query(starts, ends))).json()
        assert set(demographics) == {source for source in traffic if SOURCES[source].facets}
        for source, part in demographics.items():
            records = traffic[source]
            assert part["approximate"] is False
            expected = expected_audience(source, within(records, starts, ends))
            assert {member: part[member] for member in expected} == expected, (name, source)
