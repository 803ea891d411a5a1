"""Meta sends again what was not answered: the same update must be the same event, and another one another."""

import json
from pathlib import Path
from typing import Any

import pytest

import collectors
from collectors.facebook.webhook.format import MetaEvent
from tests.unit.collectors.facebook_webhook.deliveries import (
    SENT,
    event_of,
    events_of,
    with_change,
    with_entry,
)

SAMPLES = Path(collectors.__file__).parent / "facebook" / "samples" / "webhooks" / "facebook"
WELL_FORMED = [
    file
    for file in sorted(SAMPLES.glob("*.json"))
    if not file.name.endswith(".expected.json") and not file.name.startswith(("broken", "no-"))
]


def knows_no_time_and_no_id(event: MetaEvent) -> bool:
    return event.event_type.startswith(("ads.", "field.changed", "unknown."))


def sent_later(document: Any, seconds: int) -> Any:
    for entry in document.get("entry", []):
        if "time" in entry:
            entry["time"] += seconds
    return document


@pytest.mark.parametrize("sample", WELL_FORMED, ids=lambda file: file.stem)
def test_five_deliveries_with_five_times_of_sending_are_one(sample: Path) -> None:
    events = [
        events_of(json.dumps(sent_later(json.loads(sample.read_bytes()), seconds)).encode())
        for seconds in (0, 1, 60, 3600, 20 * 3600)
    ]
    for first, *repeated in zip(*events, strict=True):
        assert {type(event) for event in repeated} == {type(first)}
        if not isinstance(first, MetaEvent) or knows_no_time_and_no_id(first):
            continue
        assert {event.event_id for event in repeated if isinstance(event, MetaEvent)} == {first.event_id}
        if not first.event_type.startswith("instagram.") or "mid" in sample.read_text():
            assert repeated == [first] * 4


@pytest.mark.parametrize("sample", WELL_FORMED, ids=lambda file: file.stem)
def test_an_update_is_known_again_in_another_batch_and_another_spelling(sample: Path) -> None:
    document = json.loads(sample.read_bytes(), parse_float=str)
    if sample.stem.startswith(("capi-odd", "ad-account-all", "whatsapp-order", "capi-purchase")):
        return  # their numbers mean what they are
    spelled = json.dumps(turned(document), indent=1, ensure_ascii=False).encode()
    first = {event.event_id for event in events_of(sample.read_bytes()) if isinstance(event, MetaEvent)}
    again = {event.event_id for event in events_of(spelled) if isinstance(event, MetaEvent)}
    assert first == again


def turned(value: Any) -> Any:
    """The same JSON with the members of each object in another order."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return [turned(element) for element in value] if isinstance(value, list) else value


def test_two_equal_notices_without_an_id_or_a_time_are_two_when_sent_at_two_times() -> None:
    for body in (
        with_change("with_issues_ad_objects", {"id": "1", "level": "AD"}, "ad_account"),
        with_entry("user", changed_fields=["photos"]),
        with_change("never_heard_of", {"a": 1}),
    ):
        again = json.loads(json.dumps(body))
        assert event_of(again).event_id == event_of(body).event_id
        assert event_of(sent_later(again, 1)).event_id != event_of(body).event_id


def test_an_unknown_kind_with_a_time_of_its_own_is_known_by_its_content_alone() -> None:
    body = with_change("never_heard_of", {"a": 1, "created_time": 1789999980})
    assert event_of(sent_later(json.loads(json.dumps(body)), 9)) == event_of(body)


COMMENT = {
    "item": "comment",
    "verb": "add",
    "comment_id": "1_2",
    "post_id": "1_1",
    "created_time": 1789999980,
    "from": {"id": "3"},
}
REACTION = {
    "item": "reaction",
    "verb": "add",
    "post_id": "1_1",
    "reaction_type": "love",
    "created_time": 1789999980,
    "from": {"id": "3"},
}
MESSAGE = {
    "sender": {"id": "3"},
    "recipient": {"id": "1"},
    "timestamp": 1789999980000,
    "message": {"mid": "m"},
}


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (COMMENT, {"comment_id": "1_3"}),
        (COMMENT, {"verb": "hide"}),
        (COMMENT, {"verb": "edited", "edited_time": 1789999990}),
        (COMMENT, {"created_time": 1789999981}),
        (REACTION, {"from": {"id": "4"}}),
        (REACTION, {"reaction_type": "wow"}),
        (REACTION, {"verb": "remove"}),
        (REACTION, {"comment_id": "1_2"}),
        (REACTION, {"created_time": 1789999981}),
        (REACTION, {"item": "like"}),
    ],
)
def test_what_tells_two_updates_of_a_feed_apart(value: dict[str, Any], other: dict[str, Any]) -> None:
    one, two = event_of(with_change("feed", value)), event_of(with_change("feed", {**value, **other}))
    assert one.event_id != two.event_id


def test_what_changes_nothing_about_which_comment_it_is() -> None:
    renamed = {**COMMENT, "from": {"id": "3", "name": "New"}, "message": "x", "created_time": "1789999980"}
    assert event_of(with_change("feed", renamed)).event_id == event_of(with_change("feed", COMMENT)).event_id


@pytest.mark.parametrize("changed", ["object", "id", "field"])
def test_the_same_content_of_another_owner_is_another_event(changed: str) -> None:
    body: dict[str, Any] = with_change("never_heard_of", {"a": 1})
    other = json.loads(json.dumps(body))
    if changed == "object":
        other["object"] = "instagram"
    elif changed == "id":
        other["entry"][0]["id"] = "2"
    else:
        other["entry"][0]["changes"][0]["field"] = "never_heard_of_2"
    assert event_of(body).event_id != event_of(other).event_id


@pytest.mark.parametrize(
    ("one", "two"), [("1.5", "1.50"), ("1", "1.0"), ("9007199254740993", "9007199254740992")]
)
def test_numbers_of_other_digits_are_other_content(one: str, two: str) -> None:
    body = '{"object":"page","entry":[{"id":"1","time":1,"changes":[{"field":"x","value":{"n":%s}}]}]}'
    assert event_of((body % one).encode()).event_id != event_of((body % two).encode()).event_id


def test_an_id_is_the_same_whether_it_is_a_number_or_a_string() -> None:
    lead: dict[str, Any] = {"leadgen_id": 9007199254740993, "created_time": 1789999980}
    as_text = {"leadgen_id": "9007199254740993", "created_time": 1789999980}
    body = with_change("leadgen", as_text)
    body["entry"][0]["id"] = 1
    assert event_of(with_change("leadgen", lead)).event_id == event_of(body).event_id


def test_an_instagram_comment_is_known_by_its_id_and_its_text() -> None:
    def comment(text: str, seconds: int = 0, **more: Any) -> str:
        value = {"id": "17", "text": text, "from": {"id": "3"}, **more}
        return event_of(with_change("comments", value, "instagram", time=SENT + seconds)).event_id

    assert comment("nice", 60) == comment("nice") == comment("nice", parent_id="16")
    assert comment("nicer") != comment("nice")


def test_a_message_and_its_echo_deletion_and_reactions_are_events_of_their_own() -> None:
    def messaging(**other: Any) -> str:
        return event_of(with_entry(messaging=[{**MESSAGE, **other}])).event_id

    ids = [
        messaging(),
        messaging(message={"mid": "m2"}),
        messaging(message={"mid": "m", "is_echo": True}),
        messaging(message={"mid": "m", "is_deleted": True}),
    ]
    without = {name: value for name, value in MESSAGE.items() if name != "message"}
    others: list[dict[str, Any]] = [
        {"reaction": {"mid": "m", "action": "react"}},
        {"reaction": {"mid": "m", "action": "unreact"}},
        {"reaction": {"mid": "m", "action": "react"}, "timestamp": 1789999980001},
        {"postback": {"mid": "m"}},
        {"read": {"mid": "m"}},
        {"read": {"watermark": 1789999980000}},
        {"read": {"watermark": 1789999980000}, "sender": {"id": "4"}},
        {"delivery": {"watermark": 1789999980000}},
    ]
    ids += [event_of(with_entry(messaging=[without | other])).event_id for other in others]
    assert len(set(ids)) == len(ids)
