import json
import random

import pytest

from publisher.batch import GeneratedEvent
from publisher.corruption import BRANCHES, FLAVOURS, Branch, corrupt, corrupt_at_random
from publisher.generator import Generator, Span
from publisher.templates import TYPES
from tests.unit.publisher.events_format import is_valid

NOON_MS = 1_778_760_000_000


def one_of_each_type() -> list[GeneratedEvent]:
    generator, found = Generator(2), dict[int, GeneratedEvent]()
    while len(found) < len(TYPES):
        event = generator.event(NOON_MS)
        found[event.kind.code] = event
    return [found[code] for code in sorted(found)]


EVENTS = one_of_each_type()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: "-".join(event.kind[2:5]))
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.name)
def test_the_expected_verdict_is_what_the_format_says(branch: Branch, flavour: str, event: GeneratedEvent):
    corrupted = corrupt(event, branch, flavour)
    assert corrupted.still_valid == is_valid(json.loads(corrupted.raw))


def damaged(branch: str, flavour: str, source: str, stage: str, event_type: str | None = None):
    event = next(
        event
        for event in EVENTS
        if (event.source, event.funnel_stage) == (source, stage) and event_type in (None, event.event_type)
    )
    chosen = next(candidate for candidate in BRANCHES if candidate.name == branch)
    return json.loads(corrupt(event, chosen, flavour).raw)


def test_each_branch_does_the_damage_of_its_row_in_the_matrix():
    assert damaged("bad_timestamp", "tiktok", "facebook", "top")["timestamp"] == "invalid-timestamp"
    assert "eventId" not in damaged("no_event_id", "facebook", "tiktok", "top")
    assert "name" not in damaged("no_user_name", "facebook", "facebook", "top")["data"]["user"]
    assert "username" not in damaged("no_user_name", "tiktok", "tiktok", "top")["data"]["user"]
    assert "user" not in damaged("no_user", "tiktok", "facebook", "bottom")["data"]
    assert damaged("bad_stage", "facebook", "tiktok", "top")["funnelStage"] == "invalid-stage"
    assert damaged("bad_type", "facebook", "tiktok", "top")["eventType"] == ["unknown", "event"]
    assert damaged("bad_user", "facebook", "tiktok", "top")["data"]["user"]["gender"] == "alien"
    assert damaged("bad_user", "tiktok", "facebook", "top")["data"]["user"]["followers"] == "not-a-number"


def test_the_engagement_branch_depends_on_stage_and_flavour():
    def engagement(*kind: str):
        return damaged("bad_engagement", *kind)["data"]["engagement"]

    assert engagement("facebook", "facebook", "top")["actionTime"] == -1
    assert engagement("tiktok", "tiktok", "top")["watchTime"] == -1
    assert "adId" not in engagement("facebook", "facebook", "bottom")
    assert "purchasedItem" not in engagement("tiktok", "tiktok", "bottom", "purchase")
    # "if it had one": a null is left alone
    assert engagement("tiktok", "tiktok", "bottom", "follow")["purchasedItem"] is None


def test_branches_and_flavours_are_equally_likely_and_a_fifth_stays_valid():
    rng, generator = random.Random(4), Generator(4)
    batch = generator.batch(4_000, Span(NOON_MS * 1_000_000))
    drawn = [corrupt_at_random(batch.event(index), rng) for index in range(4_000)]
    for branch in BRANCHES:
        assert 410 < sum(corrupted.branch == branch.name for corrupted in drawn) < 590
    assert 1_850 < sum(corrupted.flavour == "facebook" for corrupted in drawn) < 2_150
    assert 0.17 < sum(corrupted.still_valid for corrupted in drawn) / len(drawn) < 0.23


def test_only_the_branch_without_an_id_has_none():
    for branch in BRANCHES:
        corrupted = corrupt(EVENTS[0], branch, "facebook")
        assert corrupted.has_id == ("eventId" in json.loads(corrupted.raw))
