"""What goes out, and what is understood of what comes in."""

import json

import pytest

from gateway.notifications.admission import read_query, read_since
from gateway.notifications.endings import Refused
from gateway.notifications.messages import notification
from gateway.notifications.topics import check_topic
from pipeline.chassis.tokens import Bearer
from pipeline.stream import StoredNotice


def stored(body: bytes) -> StoredNotice:
    return StoredNotice(17, "notifications.user.u-1", body)


def test_a_notification_is_its_body_with_an_id() -> None:
    message = notification(stored(b'{"kind":"LIKE","from":"u-2"}'), "")
    assert message is not None
    assert json.loads(message.text) == {"type": "notification", "id": "17", "kind": "LIKE", "from": "u-2"}
    about = notification(stored(b'{"kind":"POST"}'), 'post:"1')
    assert about is not None
    assert json.loads(about.text) == {"type": "notification", "id": "17", "topic": 'post:"1', "kind": "POST"}


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"a":1', b'{"a":\n1}', b'{"a":\r1}', b'{"a":"\xff"}', b' {"a":1}']
)
def test_what_other_programs_published_is_no_notification(body: bytes) -> None:
    assert notification(stored(body), "") is None


@pytest.mark.parametrize(("text", "since"), [("", None), (None, None), ("0", 0), ("17", 17), (17, 17)])
def test_since_is_an_id(text: str | int | None, since: int | None) -> None:
    assert read_since(text) == since


@pytest.mark.parametrize("text", ["-1", "x", "1.0", "٣", " 1", "9" * 30, str(2**63), -1])
def test_since_that_is_none(text: str | int) -> None:
    with pytest.raises(Refused) as refused:
        read_since(text)
    assert refused.value.ending.code == 4400


def test_a_wish_in_an_address() -> None:
    wish = read_query(b"since=17&topic=post%3A1&topic=alerts&other=x")
    assert (list(wish.topics), wish.since) == (["post:1", "alerts"], 17)
    for query in (b"token=x", b"Access_Token=x", b"since=1&jwt=x"):
        with pytest.raises(Refused):
            read_query(query)


@pytest.mark.parametrize(
    ("topic", "scopes", "code"),
    [
        ("post:1", "", 0),
        ("post:a:b.c *>", "", 0),
        ("alerts", "alerts:read", 0),
        ("alerts", "events:write:any", 4403),
        ("user:u-2", "alerts:read events:write:any", 4403),
        ("user:", "", 4403),
        ("user", "", 4403),
        ("post:", "", 4404),
        ("post", "", 4404),
        ("alerts:x", "alerts:read", 4404),
        ("", "", 4404),
        ("Post:1", "", 4404),
        ("post:" + "x" * 200, "", 4404),
    ],
)
def test_topics(topic: str, scopes: str, code: int) -> None:
    bearer = Bearer("u-1", frozenset(scopes.split()), 0.0)
    if not code:
        check_topic(topic, bearer)
        return
    with pytest.raises(Refused) as refused:
        check_topic(topic, bearer)
    assert refused.value.ending.code == code
