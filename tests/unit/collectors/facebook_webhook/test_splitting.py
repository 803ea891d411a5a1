"""Whatever a body is, its updates come out one by one, in order, with every digit; what is none comes out as that."""

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.facebook.webhook.format import MetaEvent
from pipeline.events.members import MAX_ELEMENTS
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.webhook import BadUpdate
from tests.unit.collectors.facebook_webhook.deliveries import (
    SENT,
    event_of,
    events_of,
    updates_of,
    with_change,
    with_entry,
)

COMMENT = {"item": "comment", "verb": "add", "comment_id": "1_2", "created_time": 1789999980}


def types_of(body: bytes | dict[str, Any]) -> list[str]:
    return [
        event.event_type if isinstance(event, MetaEvent) else event.reason.value for event in events_of(body)
    ]


def test_all_shapes_of_one_entry_come_out() -> None:
    body = with_entry(
        changes=[{"field": "feed", "value": COMMENT}, {"field": "leadgen", "value": {"leadgen_id": 1}}],
        messaging=[{"sender": {"id": "2"}, "timestamp": 1789999980000, "message": {"mid": "m"}}],
        standby=[{"sender": {"id": "2"}, "timestamp": 1789999980000, "read": {"mid": "m"}}],
        changed_fields=["picture"],
        field="mention",
        value={"post_id": "1_3"},
    )
    assert types_of(body) == [
        *("feed.comment.add", "lead", "messenger.message", "messenger.read", "field.changed", "page.mention")
    ]


def test_a_thousand_updates_keep_their_order_however_they_are_batched() -> None:
    changes = [{"field": "feed", "value": {**COMMENT, "comment_id": f"1_{n}"}} for n in range(1000)]
    together = events_of(with_entry(changes=changes))
    entries = [{"id": "1", "time": SENT, "changes": [change]} for change in changes]
    apart = events_of({"object": "page", "entry": entries})
    assert together == apart
    assert len({event.event_id for event in together if isinstance(event, MetaEvent)}) == 1000


def test_flat_and_nested_are_the_same_event() -> None:
    value = {"id": "17", "text": "hi", "from": {"id": "3"}}
    nested = event_of(with_change("comments", value, "instagram"))
    assert event_of(with_entry("instagram", field="comments", value=value)) == nested


@pytest.mark.parametrize("digits", ["9007199254740993", "120210000000000001", "-1", "1" * 200])
def test_an_id_that_is_a_number_keeps_every_digit(digits: str) -> None:
    body = b'{"object":"page","entry":[{"id":%b,"time":1,"changes":[{"field":"x","value":{"id":%b}}]}]}'
    (update,) = updates_of(body % (digits.encode(), digits.encode()))
    assert not isinstance(update, BadUpdate)
    assert bytes(update).count(digits.encode()) == 2
    assert json.loads(bytes(update))["entry"]["id"] == digits


def test_numbers_are_never_written_anew() -> None:
    numbers = b'{"a":1.50,"b":1e400,"c":0.1000000000000000055511151231257827,"d":-0.0,"e":1E5}'
    body = b'{"object":"page","entry":[{"id":"1","time":1,"changes":[{"field":"x","value":%b}]}]}' % numbers
    (update,) = updates_of(body)
    assert not isinstance(update, BadUpdate)
    assert numbers in bytes(update)


def test_an_entry_without_a_time_gets_that_of_its_arrival() -> None:
    body = {"object": "page", "entry": [{"id": "1", "changes": [{"field": "x", "value": 1}]}]}
    assert event_of(body).timestamp.timestamp() == 1790000000


@pytest.mark.parametrize("time", [None, "soon", 1.5, {}, [], True, -5, "1e9", 10**30])
def test_an_entry_with_an_odd_time_is_no_worse_off(time: Any) -> None:
    body = {"object": "page", "entry": [{"id": "1", "time": time, "changes": [{"field": "x", "value": 1}]}]}
    assert event_of(body).timestamp.timestamp() == 1790000000


def test_a_time_that_is_a_number_in_quotes_is_read() -> None:
    body = {"object": "page", "entry": [{"id": "1", "time": "1789999000", "field": "x", "value": 1}]}
    assert event_of(body).timestamp.timestamp() == 1789999000


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        (b"", Reason.MALFORMED_JSON, "$"),
        (b"hello", Reason.MALFORMED_JSON, "$"),
        (b'{"object":"page","entry":[{"id":"1"', Reason.MALFORMED_JSON, "$"),
        (b'{"object":"page","entry":[]}}', Reason.MALFORMED_JSON, "$"),
        (b'{"object":"page\xff"}', Reason.MALFORMED_JSON, "$"),
        (b"[]", Reason.SCHEMA_VIOLATION, "$"),
        (b"null", Reason.SCHEMA_VIOLATION, "$"),
        (b"{}", Reason.SCHEMA_VIOLATION, "$"),
        (b'{"object":"page","entry":null}', Reason.SCHEMA_VIOLATION, "$"),
        (b'{"object":"page","entry":{}}', Reason.SCHEMA_VIOLATION, "$.entry"),
        (b'{"entry":[{}]}', Reason.SCHEMA_VIOLATION, "$.object"),
        (b'{"object":["page"],"entry":[{}]}', Reason.SCHEMA_VIOLATION, "$.object"),
        (b'{"object":"%b","entry":[{}]}' % (b"x" * 257), Reason.SCHEMA_VIOLATION, "$.object"),
        (b'{"data":"x"}', Reason.SCHEMA_VIOLATION, "$.data"),
        (b'{"object":"page","entry":[],"m":"a\\u0000b"}', Reason.UNSTORABLE_TEXT, "$"),
        (b'{"object":"page","entry":[],"m":"\\ud800"}', Reason.UNSTORABLE_TEXT, "$"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_no_delivery_is_one_bad_update_with_all_its_bytes(
    body: bytes, reason: Reason, path: str
) -> None:
    (bad,) = updates_of(body)
    assert isinstance(bad, BadUpdate)
    assert bad.raw == body
    assert (bad.rejection.reason, bad.rejection.path) == (reason, path)


@pytest.mark.parametrize(
    "body", [b'{"object":"page","entry":[]}', b' {"object":"page",\n"entry": [ ]}\n', b'{"data":[]}']
)
def test_a_delivery_without_updates_is_nothing(body: bytes) -> None:
    assert updates_of(body) == []


BROKEN = [
    b"17",
    b"null",
    b'"x"',
    b"[]",
    b"{}",
    b"{no json}",
    b'{"field":"feed","value":"\\ud800"}',
    b'{"field":"feed","value":"\\u0000"}',
    b'{"field":"feed","value":"\xff"}',
    b'{"field":"feed","value":%b%b}' % (b"[" * 5000, b"]" * 5000),
    b'{"field":"feed","value":%b%b}' % (b'{"a":' * 5000 + b"1", b"}" * 5000),
    b'{"field":"feed","value":NaN}',
    b'{"field":"feed","value":%b}' % (b"9" * 5000),
    b'{"field":{},"value":1}',
    b'{"value":1}',
    b'{"field":"feed","field":7}',
    b'{"field":"feed","value":"},{\\"]}"}',
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda raw: repr(raw[:40]))
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_change_harms_no_other(broken: bytes, place: int) -> None:
    good = [
        json.dumps({"field": "feed", "value": {**COMMENT, "comment_id": f"1_{n}"}}).encode() for n in (1, 2)
    ]
    changes = [*good[:place], broken, *good[place:]]
    body = b'{"object":"page","entry":[{"id":"1","time":1,"changes":[%b]}]}' % b",".join(changes)
    kinds = types_of(body)
    assert len(kinds) == 3
    assert kinds[:place] + kinds[place + 1 :] == ["feed.comment.add"] * 2


@pytest.mark.parametrize(
    "broken",
    [
        b"1",
        b"null",
        b"{}",
        b'{"id":{}}',
        b'{"id":"1","changes":5}',
        b'{"id":"\\ud800"}',
        b'{"id":"1"}',
        b"{bad}",
    ],
)
def test_a_broken_entry_harms_no_other(broken: bytes) -> None:
    good = json.dumps(with_change("feed", COMMENT)["entry"][0]).encode()
    kinds = types_of(b'{"object":"page","entry":[%b,%b,%b]}' % (good, broken, good))
    assert kinds[0] == kinds[-1] == "feed.comment.add"
    assert len(kinds) == 3


def test_of_two_members_with_one_name_the_last_counts_as_everywhere() -> None:
    entry = b'{"id":"0","id":"1","time":1,"field":"mention","value":1}'
    body = b'{"object":"user","object":"page","entry":[],"entry":[%b]}' % entry
    assert types_of(body) == ["page.mention"]
    assert types_of(body.replace(b'"value":1', b'"value":"\\ud800"')) == ["malformed_json"]


def test_several_messages_in_one_change_share_what_stands_beside_them() -> None:
    messages = [
        {"id": f"wamid.{n}", "from": "46", "timestamp": "1789999980", "type": "text"} for n in range(3)
    ]
    value = {"metadata": {"phone_number_id": "5"}, "contacts": [{"wa_id": "46"}], "messages": messages}
    body = with_change("messages", value, "whatsapp_business_account")
    updates = [json.loads(bytes(update)) for update in updates_of(body) if not isinstance(update, BadUpdate)]
    assert [update["change"]["value"]["messages"] for update in updates] == [
        [message] for message in messages
    ]
    assert all(update["change"]["value"]["metadata"] == {"phone_number_id": "5"} for update in updates)
    alone = [
        event_of(with_change("messages", {"messages": [m]}, "whatsapp_business_account")) for m in messages
    ]
    assert [event.event_id for event in alone] == [
        event.event_id for event in events_of(body) if isinstance(event, MetaEvent)
    ]


def test_messages_and_statuses_of_one_change_all_come_out_and_bad_ones_by_themselves() -> None:
    value = {
        "messages": [{"id": "a", "from": "46", "timestamp": "1789999980", "type": "text"}, 7],
        "statuses": [{"id": "b", "status": "read", "timestamp": "1789999980"}],
    }
    body = with_change("messages", value, "whatsapp_business_account")
    assert types_of(body) == ["whatsapp.message", "schema_violation", "whatsapp.status.read"]


def test_what_many_messages_share_is_not_copied_without_end() -> None:
    messages = [{"id": f"wamid.{n}", "from": "46", "timestamp": "1789999980"} for n in range(1000)]
    contacts = [{"wa_id": str(n), "profile": {"name": "x" * 50}} for n in range(1000)]
    body = with_change("messages", {"contacts": contacts, "messages": messages}, "whatsapp_business_account")
    updates = updates_of(body)
    assert types_of(body) == ["whatsapp.message"] * 1000
    assert sum(len(bytes(update)) for update in updates if isinstance(update, msgspec.Raw)) < 1_000_000
    huge = with_change(
        "messages", {"metadata": "x" * 5000, "messages": messages}, "whatsapp_business_account"
    )
    assert types_of(huge) == ["too_large"]


def test_more_updates_than_meta_ever_sends_are_bounded() -> None:
    changes = b",".join([b'{"field":"x"}'] * (MAX_ELEMENTS - 1))
    body = b'{"object":"page","entry":[{"id":"1","changes":[%b]},{"id":"1","changes":[%b]}]}' % (
        changes,
        changes,
    )
    updates = updates_of(body)
    assert len(updates) == MAX_ELEMENTS + 1
    assert isinstance(updates[-1], BadUpdate)
    assert updates[-1].rejection.reason is Reason.TOO_LARGE
    (too_long,) = updates_of(b'{"object":"page","entry":[%b]}' % b",".join([b"{}"] * (MAX_ELEMENTS + 1)))
    assert isinstance(too_long, BadUpdate)


def test_brackets_without_end_take_no_time_without_end() -> None:
    body = b'{"object":"page","entry":[{"id":"1","field":"x","value":%b%b}]}' % (b"[" * 10**6, b"]" * 10**6)
    (bad,) = updates_of(body)
    assert isinstance(bad, BadUpdate)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "time", "field", "value", "item", "verb", "changes", "messaging", "from", "message"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
objects = (
    st.sampled_from(["page", "instagram", "whatsapp_business_account", "ad_account", "user"]) | json_values
)


def assert_clean(body: bytes) -> None:
    for event in events_of(body):
        assert isinstance(event, MetaEvent | Rejection)


@given(st.binary(max_size=200))
@example(b'{"object":"page","entry":[{"id":"1","changes":[{"field":"\xff"}]}]}')
def test_no_bytes_make_it_raise(body: bytes) -> None:
    assert_clean(body)


@given(objects, st.lists(json_values, max_size=4))
def test_no_json_makes_it_raise(kind_of_object: Any, entries: list[Any]) -> None:
    assert_clean(json.dumps({"object": kind_of_object, "entry": entries}).encode("utf-8", "surrogatepass"))
    assert_clean(json.dumps({"data": entries}, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(
    objects,
    st.sampled_from(["changes", "messaging", "standby", "changed_fields"]),
    st.sampled_from(["feed", "leadgen", "comments", "messages", "mention", "field_changed", "zzz"]),
    st.dictionaries(
        st.sampled_from(
            [
                *("item", "verb", "comment_id", "post_id", "created_time", "from", "sender", "recipient"),
                *(
                    "timestamp",
                    "message",
                    "messages",
                    "statuses",
                    "reaction",
                    "read",
                    "id",
                    "text",
                    "leadgen_id",
                ),
            ]
        ),
        json_values
        | st.sampled_from(["comment", "add", "reaction", 1e300, "9" * 30, {"id": 2**70}, [{"id": "x"}]]),
    ),
)
def test_no_update_makes_it_raise(kind_of_object: Any, shape: str, field: str, value: dict[str, Any]) -> None:
    update: Any = {"field": field, "value": value} if shape == "changes" else value
    entry = {"id": "1", "time": 1, shape: [update, field]}
    assert_clean(json.dumps({"object": kind_of_object, "entry": [entry]}).encode("utf-8", "surrogatepass"))


def test_no_damage_to_a_good_body_makes_it_raise() -> None:
    rng = random.Random(7)
    good = json.dumps(with_entry(changes=[{"field": "feed", "value": COMMENT}] * 3)).encode()
    for _ in range(3000):
        body = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(body))
            body[place : place + rng.randint(0, 3)] = rng.choice(
                [b"", b"[", b"}", b'"', b"\\", b"\xff", b"\\ud800"]
            )
        assert_clean(bytes(body))
