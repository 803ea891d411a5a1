"""What becomes of an event's values in its canonical record."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from collectors.registry import SOURCES
from pipeline.events.reasons import Rejection
from pipeline.events.record import FACET_SEPARATOR, EventRecord
from tests.unit.builders import KINDS, NOW, Document, as_json, changed, good_event


def record_of(event: Document, received_at: datetime = NOW) -> EventRecord:
    event_format = SOURCES[event["source"]].formats[SOURCES[event["source"]].event_format or ""]
    raw = msgspec.Raw(as_json(event))
    decoded = event_format.judge(raw, NOW)
    assert not isinstance(decoded, Rejection), decoded
    return event_format.to_record(decoded, raw, received_at)


def facets_of(event: Document) -> dict[str, str]:
    values = record_of(event).facets.split(FACET_SEPARATOR)
    return dict(zip(SOURCES[event["source"]].facets, values, strict=True))


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        *((0, "<18"), (17, "<18"), (18, "18-24"), (24, "18-24"), (25, "25-34"), (34, "25-34")),
        *((35, "35-44"), (44, "35-44"), (45, "45-54"), (54, "45-54"), (55, "55+"), (150, "55+")),
    ],
)
@pytest.mark.parametrize("stage", ["top", "bottom"])
def test_every_age_falls_into_its_bucket(stage: str, age: int, bucket: str) -> None:
    assert facets_of(changed(good_event("facebook", stage), "$.data.user.age", age))["age"] == bucket


@pytest.mark.parametrize(
    ("followers", "bucket"),
    [
        *((0, "<100"), (99, "<100"), (100, "100-999"), (999, "100-999"), (1_000, "1K-9.9K")),
        *(
            (9_999, "1K-9.9K"),
            (10_000, "10K-99.9K"),
            (99_999, "10K-99.9K"),
            (100_000, "100K+"),
            (10**9, "100K+"),
        ),
    ],
)
@pytest.mark.parametrize("stage", ["top", "bottom"])
def test_every_number_of_followers_falls_into_its_bucket(stage: str, followers: int, bucket: str) -> None:
    event = changed(good_event("tiktok", stage), "$.data.user.followers", followers)
    assert facets_of(event)["followers"] == bucket


def test_facebook_knows_gender_and_country_of_every_event() -> None:
    for stage in ("top", "bottom"):
        facets = facets_of(good_event("facebook", stage))
        assert (facets["gender"], facets["location"]) == ("female", "Portugal")


def test_tiktok_knows_device_and_country_of_top_events_only() -> None:
    assert facets_of(good_event("tiktok", "top")) == {
        "followers": "1K-9.9K",
        "device": "iOS",
        "country": "Portugal",
    }
    assert facets_of(good_event("tiktok", "bottom")) == {"followers": "1K-9.9K", "device": "", "country": ""}


@pytest.mark.parametrize(
    ("source", "event_type", "is_transaction"),
    [
        ("facebook", "ad.click", False),
        ("facebook", "form.submission", False),
        ("facebook", "checkout.complete", True),
        ("tiktok", "profile.visit", False),
        ("tiktok", "purchase", True),
        ("tiktok", "follow", False),
    ],
)
@pytest.mark.parametrize("amount", ["49.90", "0", None])
def test_only_a_checkout_or_purchase_with_an_amount_is_a_transaction(
    source: str, event_type: str, is_transaction: bool, amount: str | None
) -> None:
    event = good_event(source, "bottom", eventType=event_type)
    record = record_of(changed(event, "$.data.engagement.purchaseAmount", amount))
    assert record.amount == (Decimal(amount) if is_transaction and amount is not None else None)


@pytest.mark.parametrize("source", ["facebook", "tiktok"])
@pytest.mark.parametrize(
    "amount", ["0.1", "0.10", "1000.00", "0.00000001", "999999999999999.99999999", "007"]
)
def test_an_amount_is_exact_and_keeps_its_digits(source: str, amount: str) -> None:
    record = record_of(changed(good_event(source, "bottom"), "$.data.engagement.purchaseAmount", amount))
    assert isinstance(record.amount, Decimal)
    assert record.amount.as_tuple() == Decimal(amount).as_tuple()
    assert Decimal(msgspec.json.decode(msgspec.json.encode(record))["amount"]) == Decimal(amount)


def test_campaigns_are_facebooks_bottom_events_only() -> None:
    campaigns = {kind: record_of(good_event(*kind)).campaign_id for kind in KINDS}
    assert campaigns == {
        ("facebook", "top"): None,
        ("facebook", "bottom"): "camp-7h2k9",
        ("tiktok", "top"): None,
        ("tiktok", "bottom"): None,
    }


def test_watch_figures_are_tiktoks_top_events_only() -> None:
    watched = {
        kind: (r.watch_seconds, r.watched_percent) for kind in KINDS if (r := record_of(good_event(*kind)))
    }
    assert watched == {
        ("facebook", "top"): (None, None),
        ("facebook", "bottom"): (None, None),
        ("tiktok", "top"): (12.5, 80.0),
        ("tiktok", "bottom"): (None, None),
    }


@pytest.mark.parametrize(("source", "stage"), KINDS)
@pytest.mark.parametrize(
    "text", [" spaces ", "Ünïcödé 🛒", "'; DROP TABLE events; --", "\t\n\x1f", "NULL", "x" * 128]
)
def test_ids_are_taken_verbatim(source: str, stage: str, text: str) -> None:
    event = changed(good_event(source, stage, eventId=text), "$.data.user.userId", text)
    record = record_of(event)
    assert (record.event_id, record.user_id) == (text, text)


@pytest.mark.parametrize(("source", "stage"), KINDS)
def test_stage_type_and_times_are_the_events_own(source: str, stage: str) -> None:
    received_at = datetime(2026, 5, 14, 10, 46, 29, tzinfo=UTC)
    record = record_of(good_event(source, stage, timestamp="2026-05-14T19:46:28.214+09:00"), received_at)
    assert (record.funnel_stage, record.event_type) == (stage, good_event(source, stage)["eventType"])
    assert record.occurred_at == datetime(2026, 5, 14, 10, 46, 28, 214000, tzinfo=UTC)
    assert record.received_at == received_at


def test_a_separator_in_a_country_forges_no_other_facet() -> None:
    event = changed(good_event("facebook", "top"), "$.data.user.location.country", "A\x1fB")
    assert facets_of(event)["location"] == "A B"
    event = changed(good_event("tiktok", "top"), "$.data.engagement.country", "A\x1fB")
    assert facets_of(event)["country"] == "A B"
