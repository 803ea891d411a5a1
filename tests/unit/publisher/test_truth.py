import json
from collections import defaultdict
from decimal import Decimal

import pytest

from publisher.generator import Generator, Mix, Span
from publisher.truth import Revenue, Truth

NOON = Span(1_778_760_000_000_000_000, 40_000)
COUNT = 30_000


@pytest.fixture(params=[0.0, 0.4, 1.0], ids="returning={}".format)
def run(request: pytest.FixtureRequest):
    """A truth fed in three parts, and the parsed events that it was fed."""
    generator = Generator(11, Mix(returning_users=request.param, user_pool=500))
    truth, events = Truth(generator.crowd), []
    for _ in range(3):
        batch = generator.batch(COUNT // 3, NOON)
        truth.add(batch.facts)
        events += [json.loads(raw) for raw in batch.raws]
    return truth, events


def test_counts_per_kind_equal_a_count_of_the_parsed_events(run):
    truth, events = run
    counted = defaultdict(int)
    for event in events:
        counted[event["source"], event["funnelStage"], event["eventType"]] += 1
    assert truth.counts() == counted
    assert truth.events == COUNT


def test_revenue_equals_the_sum_of_the_parsed_amounts_to_the_cent(run):
    truth, events = run
    totals, transactions = defaultdict(Decimal), defaultdict(int)
    for event in events:
        if amount := event["data"]["engagement"].get("purchaseAmount"):
            totals[event["source"]] += Decimal(amount)
            transactions[event["source"]] += 1
    assert truth.revenue() == {
        source: Revenue(totals[source], transactions[source]) for source in ("facebook", "tiktok")
    }


def distinct(events, source, value_of):
    """Distinct users per value, the plain way."""
    users = defaultdict(set)
    for event in events:
        if event["source"] == source and (value := value_of(event)) is not None:
            users[value].add(event["data"]["user"]["userId"])
    return {value: len(ids) for value, ids in users.items()}


def age_bucket(age: int) -> str:
    for bucket in ("18-24", "25-34", "35-44", "45-54"):
        low, high = map(int, bucket.split("-"))
        if low <= age <= high:
            return bucket
    return "<18" if age < 18 else "55+"


def follower_bucket(followers: int) -> str:
    digits = len(str(followers))
    return {1: "<100", 2: "<100", 3: "100-999", 4: "1K-9.9K", 5: "10K-99.9K"}.get(digits, "100K+")


def test_facebook_demographics_equal_the_distinct_users_of_the_parsed_events(run):
    truth, events = run
    audience = truth.facebook()
    assert audience.total_users == distinct(events, "facebook", lambda e: "all")["all"]
    assert audience.age == distinct(events, "facebook", lambda e: age_bucket(e["data"]["user"]["age"]))
    assert audience.gender == distinct(events, "facebook", lambda e: e["data"]["user"]["gender"])
    assert audience.location == distinct(
        events, "facebook", lambda e: e["data"]["user"]["location"]["country"]
    )


def test_tiktok_demographics_know_device_and_country_from_top_events_only(run):
    truth, events = run
    audience = truth.tiktok()
    assert audience.total_users == distinct(events, "tiktok", lambda e: "all")["all"]
    assert audience.followers == distinct(
        events, "tiktok", lambda e: follower_bucket(e["data"]["user"]["followers"])
    )
    assert audience.device == distinct(events, "tiktok", lambda e: e["data"]["engagement"].get("device"))
    assert audience.country == distinct(events, "tiktok", lambda e: e["data"]["engagement"].get("country"))


def test_averages_of_watching_are_exact(run):
    truth, events = run
    top = [e["data"]["engagement"] for e in events if e["source"] == "tiktok" and e["funnelStage"] == "top"]
    seconds = sum(Decimal(str(engagement["watchTime"])) for engagement in top)
    percent = sum(Decimal(str(engagement["percentageWatched"])) for engagement in top)
    assert truth.tiktok().average_watch_seconds == seconds / len(top)
    assert truth.tiktok().average_percentage_watched == percent / len(top)


def test_a_truth_of_nothing_is_empty_and_not_an_error():
    truth = Truth([])
    assert (truth.counts(), truth.revenue(), truth.events) == ({}, {}, 0)
    assert truth.facebook().total_users == truth.tiktok().total_users == 0
    assert truth.tiktok().average_watch_seconds is None


def test_events_left_out_do_not_count():
    generator = Generator(3)
    batch = generator.batch(1_000, NOON)
    left_out = {0, 17, 999}
    without, kept = Truth(generator.crowd), Truth(generator.crowd)
    without.add(batch.facts.without(left_out))
    for index in range(1_000):
        if index not in left_out:
            kept.add(batch.event(index).facts)
    assert without.counts() == kept.counts()
    assert without.revenue() == kept.revenue()
    assert without.facebook() == kept.facebook()
