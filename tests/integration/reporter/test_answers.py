"""What a client sees beside the figures: refusals, headers, campaigns, currencies, the API page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import msgspec

from pipeline.events.record import EventRecord
from pipeline.store import Database, EventStore
from pipeline.store.progress import report_progress
from tests.integration.reporter.traffic import START, make_events, store


async def test_a_wrong_filter_is_a_problem_document_that_lists_what_is_valid(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(
        "/reports/events", params={"source": "tiktok", "eventType": "page.like", "form": "x"}
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    unknown, foreign = answer.json()["errors"]
    assert unknown["valid"] == ["from", "to", "source", "funnelStage", "eventType"]
    assert "purchase" in foreign["valid"]
    assert "page.like" not in foreign["valid"]
    assert (await client.get("/reports/revenue", params={"funnelStage": "top"})).status_code == 400
    backwards = await client.get("/reports/demographics", params={"from": "2026-05-15", "to": "2026-05-14"})
    assert backwards.status_code == 400


async def test_event_filters_leave_only_what_they_name(client: httpx.AsyncClient, database: Database) -> None:
    await store(database, make_events(2_000, seed=2, users=100))
    everything = (await client.get("/reports/events")).json()
    for filters in (
        {"source": "tiktok"},
        {"funnelStage": "bottom"},
        {"eventType": "comment"},
        {"source": "facebook", "funnelStage": "top", "eventType": "video.view"},
    ):
        found = (await client.get("/reports/events", params=filters)).json()
        assert found == [
            row for row in everything if all(row[name] == value for name, value in filters.items())
        ]
        assert found


async def test_a_campaign_counts_its_own_transactions_only(
    client: httpx.AsyncClient, database: Database
) -> None:
    traffic = make_events(1_000, seed=3, users=100)
    await store(database, traffic)
    ends = START + timedelta(hours=9, microseconds=5)
    amounts = [
        record.amount
        for record in traffic["facebook"]
        if record.campaign_id == "camp-3" and record.amount is not None and record.occurred_at < ends
    ]
    answer = await client.get("/reports/revenue", params={"campaignId": "camp-3", "to": ends.isoformat()})
    facebook, tiktok = answer.json()
    assert Decimal(facebook["totalRevenue"]) == sum(amounts)
    assert facebook["transactionCount"] == len(amounts) > 3
    nothing = {
        "currency": None,
        "totalRevenue": "0.00",
        "transactionCount": 0,
        "averageTransactionValue": "0.00",
    }
    assert tiktok == {"source": "tiktok", **nothing}
    (unknown,) = (
        await client.get("/reports/revenue", params={"campaignId": "x", "source": "facebook"})
    ).json()
    assert unknown == {"source": "facebook", **nothing}


async def test_money_of_different_currencies_is_never_added_up(
    client: httpx.AsyncClient, database: Database
) -> None:
    await EventStore(database, "tiktok").write(
        [
            sale("1", Decimal("0.10"), None),
            sale("2", Decimal("0.125"), None),
            sale("3", Decimal("12345678901234567.89"), "EUR"),
            sale("4", Decimal(7), "USD"),
        ]
    )
    for bounds in ({}, {"from": (START - timedelta(milliseconds=1)).isoformat()}):
        rows = (await client.get("/reports/revenue", params={"source": "tiktok", **bounds})).json()
        assert [(row["currency"], row["totalRevenue"], row["averageTransactionValue"]) for row in rows] == [
            (None, "0.225", "0.11"),
            ("EUR", "12345678901234567.89", "12345678901234567.89"),
            ("USD", "7.00", "7.00"),
        ]


async def test_averages_are_over_watched_events(client: httpx.AsyncClient, database: Database) -> None:
    traffic = make_events(900, seed=4, users=100)
    await store(database, traffic)
    watched = [Decimal(str(r.watch_seconds)) for r in traffic["tiktok"] if r.watch_seconds is not None]
    percent = [Decimal(str(r.watched_percent)) for r in traffic["tiktok"] if r.watched_percent is not None]
    report = (await client.get("/reports/demographics")).json()
    assert report["tiktok"]["averageWatchSeconds"] == float(round(sum(watched) / len(watched), 2))
    assert report["tiktok"]["averagePercentageWatched"] == float(round(sum(percent) / len(percent), 2))
    assert "averageWatchSeconds" not in report["facebook"]
    nothing = (
        await client.get("/reports/demographics", params={"to": "2020-01-01", "source": "tiktok"})
    ).json()
    assert list(nothing) == ["tiktok"]
    assert nothing["tiktok"]["averageWatchSeconds"] is None
    assert nothing["tiktok"]["followers"] == {
        "<100": 0,
        "100-999": 0,
        "1K-9.9K": 0,
        "10K-99.9K": 0,
        "100K+": 0,
    }


async def test_every_answer_tells_how_complete_it_is(client: httpx.AsyncClient, database: Database) -> None:
    now = datetime.now(UTC)
    await report_progress(database, "facebook", now, now)
    alone = await client.get("/reports/events", params={"source": "facebook"})
    assert float(alone.headers["X-Data-Lag-Seconds"]) == 0.0
    assert alone.headers["X-Data-Complete-Through"] == now.isoformat().replace("+00:00", "Z")
    # TikTok has not reported yet: nothing can be promised.
    both = await client.get("/reports/revenue")
    assert float(both.headers["X-Data-Lag-Seconds"]) > 0.0
    assert "X-Data-Complete-Through" not in both.headers
    # Its collector has stopped a minute ago.
    stopped = now - timedelta(minutes=1)
    await report_progress(database, "tiktok", stopped, stopped)
    late = await client.get("/reports/demographics")
    assert float(late.headers["X-Data-Lag-Seconds"]) >= 60.0
    assert late.headers["X-Data-Complete-Through"] == stopped.isoformat().replace("+00:00", "Z")


async def test_the_api_page_tells_parameters_members_and_headers(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/api/openapi.json")).json()
    events, demographics = (schema["paths"][f"/reports/{name}"]["get"] for name in ("events", "demographics"))
    names = {parameter["name"] for parameter in events["parameters"]}
    assert names == {"from", "to", "source", "funnelStage", "eventType"}
    assert "X-Data-Lag-Seconds" in events["responses"]["200"]["headers"]
    assert "400" in events["responses"]
    components = schema["components"]["schemas"]
    assert {"source", "funnelStage", "eventType", "count"} <= components["EventCount"]["properties"].keys()
    tiktok = components["TiktokDemographics"]["properties"]
    assert {
        "totalUsers",
        "followers",
        "device",
        "country",
        "averageWatchSeconds",
        "approximate",
    } <= tiktok.keys()
    assert "X-Data-Complete-Through" in demographics["responses"]["200"]["headers"]


async def test_durations_are_measured_per_report(client: httpx.AsyncClient) -> None:
    await client.get("/reports/revenue")
    assert 'report_duration_seconds_count{report_type="revenue"} 1.0' in (await client.get("/metrics")).text


def sale(event_id: str, amount: Decimal, currency: str | None) -> EventRecord:
    return EventRecord(
        event_id=event_id,
        funnel_stage="bottom",
        event_type="purchase",
        occurred_at=START,
        received_at=START,
        user_id="user",
        facets="<100\x1f\x1f",
        payload=msgspec.Raw(b"{}"),
        amount=amount,
        currency=currency,
    )
