import json
import re
from collections import Counter
from decimal import Decimal
from uuid import UUID

import pytest

from publisher.generator import Generator, Mix, Span
from publisher.people import FacebookPersona, TikTokPersona
from tests.unit.publisher.events_format import TRANSACTIONS, TYPES, is_valid

NOON_MS = 1_778_760_000_000
NOON = Span(NOON_MS * 1_000_000)


def parsed(count: int, seed: int = 1, mix: Mix | None = None, span: Span = NOON):
    return [json.loads(raw) for raw in Generator(seed, mix).batch(count, span).raws]


def test_every_event_obeys_the_format():
    events = parsed(5_000, mix=Mix(returning_users=0.5, out_of_order=0.2))
    assert [event for event in events if not is_valid(event)] == []


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    mix = Mix(returning_users=0.3, out_of_order=0.1)
    first = Generator(7, mix).batch(500, NOON).raws
    assert Generator(7, mix).batch(500, NOON).raws == first
    assert Generator(8, mix).batch(500, NOON).raws != first


def test_source_and_stage_are_even_and_types_uniform_within_the_stage():
    count = 96_000
    kinds = Counter((e["source"], e["funnelStage"], e["eventType"]) for e in parsed(count))
    expected = {
        (source, stage, name): count / 4 / len(names)
        for (source, stage), names in TYPES.items()
        for name in names
    }
    assert kinds.keys() == expected.keys()
    for kind, number in expected.items():
        # Five standard deviations of a binomial count.
        assert abs(kinds[kind] - number) < 5 * number**0.5, kind


def test_ids_are_fresh_version_4_uuids_with_the_prefix_of_their_source():
    events = parsed(20_000)
    for event in events:
        prefix = "fb-" if event["source"] == "facebook" else "ttk-"
        uuid = UUID(event["eventId"].removeprefix(prefix))
        assert event["eventId"] == f"{prefix}{uuid}"
        assert (uuid.version, uuid.variant) == (4, "specified in RFC 4122")
    assert len({event["eventId"] for event in events}) == len(events)
    assert len({event["data"]["user"]["userId"] for event in events}) == len(events)


def test_amounts_have_two_digits_and_stay_in_the_range_of_their_type():
    amounts: dict[str, list[Decimal]] = {"checkout.complete": [], "purchase": []}
    for event in parsed(50_000):
        amount = event["data"]["engagement"].get("purchaseAmount")
        if event["eventType"] in TRANSACTIONS:
            assert re.fullmatch(r"\d+\.\d\d", amount)
            amounts[event["eventType"]].append(Decimal(amount))
        else:
            assert amount is None
    assert Decimal("10.00") <= min(amounts["checkout.complete"]) < 15
    assert 995 < max(amounts["checkout.complete"]) <= Decimal("1000.00")
    assert Decimal("5.00") <= min(amounts["purchase"]) < 8
    assert 497 < max(amounts["purchase"]) <= Decimal("500.00")


def test_ages_followers_and_countries_cover_their_ranges_with_a_skew():
    events = parsed(40_000)
    users = [event["data"]["user"] for event in events]
    ages = {user["age"] for user in users if "age" in user}
    assert (min(ages), max(ages)) == (13, 80)
    followers = sorted(user["followers"] for user in users if "followers" in user)
    assert followers[0] == 0
    assert 4_000_000 < followers[-1] <= 5_000_000
    # Log-uniform: the median is near the square root of the maximum.
    assert 1_000 < followers[len(followers) // 2] < 5_000
    countries = Counter(user["location"]["country"] for user in users if "location" in user)
    assert len(countries) == 60
    assert countries["United States"] > 5 * countries["Iceland"]


def test_campaign_ids_are_nearly_unique_and_short():
    campaigns = [
        event["data"]["engagement"]["campaignId"]
        for event in parsed(40_000)
        if "campaignId" in event["data"]["engagement"]
    ]
    assert all(re.fullmatch(r"camp-[A-Za-z0-9]{5}", campaign) for campaign in campaigns)
    assert len(set(campaigns)) > 0.999 * len(campaigns)


def test_an_event_has_about_the_size_of_a_real_one():
    raws = Generator(1).batch(10_000, NOON).raws
    assert 400 < sum(map(len, raws)) / len(raws) < 450


def test_the_object_form_agrees_with_its_json():
    batch = Generator(3, Mix(returning_users=0.5, out_of_order=0.3)).batch(
        2_000, Span(NOON.first_ns, 1_500_000)
    )
    for index in range(2_000):
        event, document = batch.event(index), json.loads(batch.raws[index])
        user = document["data"]["user"]
        assert event.raw == batch.raws[index]
        assert (event.source, event.funnel_stage, event.event_type, event.event_id, event.timestamp) == tuple(
            document[field] for field in ("source", "funnelStage", "eventType", "eventId", "timestamp")
        )
        assert event.user_id == user["userId"]
        amount = document["data"]["engagement"].get("purchaseAmount")
        assert event.amount == (None if amount is None else Decimal(amount))
        if isinstance(event.persona, FacebookPersona):
            told = (
                user["name"],
                user["age"],
                user["gender"],
                user["location"]["country"],
                user["location"]["city"],
            )
            assert told == (
                event.persona.name,
                event.persona.age,
                event.persona.gender,
                event.persona.country,
                event.persona.city,
            )
        else:
            assert isinstance(event.persona, TikTokPersona)
            assert (user["username"], user["followers"]) == (event.persona.username, event.persona.followers)
            if event.funnel_stage == "top":
                engagement = document["data"]["engagement"]
                assert (engagement["device"], engagement["country"]) == (
                    event.persona.device,
                    event.persona.country,
                )


def test_a_single_event_is_the_first_of_a_batch_of_one():
    assert Generator(5).event(NOON_MS).raw == Generator(5).batch(1, NOON).raws[0]


def test_events_of_a_batch_happen_one_step_after_another():
    events = parsed(100, span=Span(NOON.first_ns, 2_500_000))
    assert [event["timestamp"] for event in events[:4]] == [
        "2026-05-14T12:00:00.000Z",
        "2026-05-14T12:00:00.002Z",
        "2026-05-14T12:00:00.005Z",
        "2026-05-14T12:00:00.007Z",
    ]


def test_out_of_order_events_lie_in_the_past_but_not_further_than_the_spread():
    events = parsed(10_000, mix=Mix(out_of_order=0.2, spread_seconds=60))
    late = [event["timestamp"] for event in events if event["timestamp"] != "2026-05-14T12:00:00.000Z"]
    assert 1_800 < len(late) < 2_200
    assert "2026-05-14T11:59:00.000Z" <= min(late) < "2026-05-14T11:59:02"
    assert max(late) < "2026-05-14T12:00:00.000Z"


@pytest.mark.parametrize(("source", "attributes"), [("facebook", "location"), ("tiktok", "username")])
def test_returning_users_come_from_a_bounded_pool_and_never_change(source: str, attributes: str):
    events = [e for e in parsed(20_000, mix=Mix(returning_users=0.5, user_pool=100)) if e["source"] == source]
    seen: dict[str, set[str]] = {}
    for event in events:
        user = event["data"]["user"]
        seen.setdefault(user["userId"], set()).add(json.dumps(user, sort_keys=True))
        assert attributes in user
    returning = Counter(event["data"]["user"]["userId"] for event in events)
    assert all(len(spellings) == 1 for spellings in seen.values())
    assert sum(1 for times in returning.values() if times > 1) == 100
    assert 0.45 < sum(times for times in returning.values() if times > 1) / len(events) < 0.55


def test_a_returning_user_has_the_same_id_in_both_sources_because_real_ids_may_collide():
    events = parsed(5_000, mix=Mix(returning_users=1.0, user_pool=20))
    of_source = {
        source: {e["data"]["user"]["userId"] for e in events if e["source"] == source}
        for source in ("facebook", "tiktok")
    }
    assert of_source["facebook"] == of_source["tiktok"]
    assert len(of_source["facebook"]) == 20
