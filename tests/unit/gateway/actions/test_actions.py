"""`POST /api/events`: what becomes of each action, and of sending it again."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.registry import SOURCES
from collectors.social import ACTION_FORMAT
from gateway.actions.assembly import SocialSettings
from gateway.actions.settings import ActionSettings
from pipeline.errors import StreamUnavailable
from pipeline.events.judging import EventJudge
from tests.unit.gateway.actions.conftest import ANY, TOKENS, UNLIMITED, Door, MakeApp, like, token
from tests.unit.gateway.fakes import RecordingPublisher, client_of

NOW = datetime.now(UTC)
LIMIT = 256 * 1024


async def test_one_action_is_enveloped_and_answered(door: Door) -> None:
    answer = await door.post(like(id="l-1", timestamp="2026-05-14T12:46:28+02:00", extra="kept"))

    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "rejected": 0,
        "results": [{"index": 0, "id": "l-1", "status": "accepted"}],
    }
    [envelope] = door.envelopes
    assert envelope["action"] == like(id="l-1", timestamp="2026-05-14T12:46:28+02:00", extra="kept")
    assert envelope["timestamp"] == "2026-05-14T12:46:28+02:00"
    assert len(envelope["address"]) == 32
    [batch] = door.publisher.batches
    assert (batch.source, batch.format) == ("social", "social.action.v1")


@pytest.mark.parametrize(
    "action",
    [
        {"type": "post", "userId": "u-17", "postId": "p-1"},
        {"type": "post", "userId": "u-17", "postId": "p-1", "text": "hello"},
        {"type": "unlike", "userId": "u-17", "postId": "p-1"},
        {"type": "comment", "userId": "u-17", "postId": "p-1", "text": "é" * 10_000},
        {"type": "share", "userId": "u-17", "postId": "p-1"},
        {"type": "follow", "userId": "u-17", "targetUserId": "u-2"},
        {"type": "unfollow", "userId": "u-17", "targetUserId": "u-2"},
    ],
    ids=lambda action: action["type"],
)
async def test_every_kind_of_action_reaches_its_collector(door: Door, action: dict[str, Any]) -> None:
    assert (await door.post(action)).status_code == 202

    [envelope] = door.publisher.published
    event = ACTION_FORMAT.judge(envelope, datetime.now(UTC))
    assert not hasattr(event, "reason"), event


async def test_an_action_without_id_and_time_gets_both(door: Door) -> None:
    first, second = await door.post(like()), await door.post(like())

    ids = [answer.json()["results"][0]["id"] for answer in (first, second)]
    assert ids[0] != ids[1]
    assert door.envelopes[0]["id"] != door.envelopes[1]["id"]
    at = datetime.fromisoformat(door.envelopes[0]["timestamp"])
    assert abs(datetime.now(UTC) - at) < timedelta(seconds=10)


async def test_an_array_keeps_its_order_where_it_tells_no_time(door: Door) -> None:
    answer = await door.post([like(), like(type="unlike"), like()])

    assert answer.json()["accepted"] == 3
    times = [datetime.fromisoformat(envelope["timestamp"]) for envelope in door.envelopes]
    assert times == sorted(times)
    assert len(set(times)) == 3


async def test_one_bad_action_never_harms_the_others(door: Door) -> None:
    answer = await door.post(
        [like(id="good"), like(postId=None, id="bad"), 5, like(userId="u-2", id="theirs"), like(id="too")]
    )

    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (2, 3)
    assert [(each["index"], each["status"], each.get("reason")) for each in told["results"]] == [
        (0, "accepted", None),
        (1, "rejected", "schema_violation"),
        (2, "rejected", "schema_violation"),
        (3, "rejected", "forbidden"),
        (4, "accepted", None),
    ]
    assert told["results"][1] | {"detail": ""} == {
        "index": 1, "id": "bad", "status": "rejected", "reason": "schema_violation", "path": "$", "detail": "",
    }  # fmt: skip
    assert "postId" in told["results"][1]["detail"]
    assert len(door.publisher.letters) == 2, "what is forbidden is not kept"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "nothing-acceptable"),
        (b"[]", 400, "nothing-acceptable"),
        (b"{", 400, "nothing-acceptable"),
        (b"[{]", 400, "nothing-acceptable"),
        (b"null", 400, "nothing-acceptable"),
        (b'"like"', 400, "nothing-acceptable"),
        (b"{}", 400, "nothing-acceptable"),
        (b"[1,2]", 400, "nothing-acceptable"),
        (b"\xff\xfe", 400, "nothing-acceptable"),
        (b"[" * 100_000, 400, "nothing-acceptable"),
        (b'{"a":' * 100_000, 400, "nothing-acceptable"),
        (json.dumps([like()] * 1001).encode(), 413, "too-large"),
        (b" " * (1024**2 + 1), 413, "too-large"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_bodies_that_hold_nothing(door: Door, body: bytes, status: int, kind: str) -> None:
    answer = await door.post(body)

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:sluice:problem:{kind}")
    assert not door.publisher.batches


async def test_the_longest_array_and_a_long_answer(door: Door) -> None:
    answer = await door.post([like(id=str(number)) for number in range(1000)])

    assert [each["id"] for each in answer.json()["results"]] == [str(number) for number in range(1000)]
    assert len(door.publisher.published) == 1000


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({"type": "poke"}, "schema_violation", "$.type"),
        ({"postId": "p" * 129}, "schema_violation", "$.postId"),
        ({"postId": ""}, "schema_violation", "$.postId"),
        ({"id": ""}, "schema_violation", "$.id"),
        ({"id": "i" * 129}, "schema_violation", "$.id"),
        ({"timestamp": "yesterday"}, "schema_violation", "$.timestamp"),
        ({"timestamp": "2026-05-14T12:46:28"}, "schema_violation", "$.timestamp"),
        ({"timestamp": "2999-01-01T00:00:00Z"}, "timestamp_out_of_range", "$.timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+05:00"}, "timestamp_out_of_range", "$.timestamp"),
        ({"type": "comment"}, "schema_violation", "$"),
        ({"type": "comment", "text": "x" * 10_001}, "schema_violation", "$.text"),
        ({"type": "comment", "text": "a\x00b"}, "unstorable_text", "$"),
        ({"padding": "x" * LIMIT}, "too_large", "$"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_why_an_action_is_refused(door: Door, changes: dict[str, Any], reason: str, path: str) -> None:
    answer = await door.post(like(**changes))

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["reason"], error["path"]) == (reason, path), error
    [letter] = door.publisher.letters
    assert (letter.source, letter.format, letter.rejection.reason) == ("social", "social.action.v1", reason)


async def test_half_a_character_is_no_json_that_anybody_could_replay(door: Door) -> None:
    answer = await door.post(like(type="comment", text="\ud83d"))

    assert answer.json()["errors"][0]["reason"] == "unstorable_text"
    assert [letter.format for letter in door.publisher.letters] == ["social.request"]


async def test_a_kept_action_is_replayed_as_it_would_have_been_stored(door: Door) -> None:
    await door.post(like(id="early", timestamp=str(NOW + timedelta(hours=25))))
    [letter] = door.publisher.letters
    judge = EventJudge(SOURCES, LIMIT)

    assert judge.judge_letter(letter, NOW).rejection is not None
    verdict = judge.judge_letter(letter, NOW + timedelta(hours=2))

    assert (verdict.source, verdict.format, verdict.rejection) == ("social", "social.action.v1", None)
    await door.post(like(id="early"))
    assert json.loads(letter.raw)["id"] == door.envelopes[0]["id"], "sent again it is the same event"


@pytest.mark.parametrize("broken", [b"%b", b"[%b,]", b" %b\xff", b'{"type":"like","userId":"u-17"}%b'])
async def test_a_replay_never_believes_what_the_door_has_not_judged(door: Door, broken: bytes) -> None:
    """What looks like an envelope, with an action of somebody else in it, is no action: it must never become one."""
    forged = json.dumps({"id": "x", "timestamp": "2026-05-14T12:46:28Z", "action": like(userId="victim")})

    await door.post(broken % forged.encode())

    assert door.publisher.letters
    judge = EventJudge(SOURCES, 10 * LIMIT)
    for letter in door.publisher.letters:
        assert judge.judge_letter(letter, datetime.now(UTC)).rejection is not None


async def test_a_bad_action_of_somebody_else_is_not_kept_either(door: Door) -> None:
    answer = await door.post(like(userId="victim", timestamp=str(NOW + timedelta(hours=25))))

    assert answer.status_code == 403
    assert not door.publisher.letters


async def test_only_the_last_of_two_users_counts_for_everybody(door: Door) -> None:
    """Readers of JSON differ over a name that comes twice: here the one that is checked is the one that is stored."""
    body = b'{"userId":"u-17","postId":"p-1","type":"like","userId":"victim"}'
    other = b'{"userId":"victim","postId":"p-1","type":"like","\\u0075serId":"u-17"}'

    assert (await door.post(body)).status_code == 403
    await door.post(other)

    for envelope in door.publisher.published:
        event = ACTION_FORMAT.decode(envelope)
        assert event.action.user_id == "u-17"
        assert json.loads(envelope)["action"]["userId"] == "u-17"


async def test_the_same_id_is_one_event_for_a_user_and_another_for_the_next(door: Door) -> None:
    await door.post(like(id="1"))
    await door.post(like(id="1"))
    await door.post(like(id="1", userId="u-18"), token("u-18"))
    await door.post(like(id="1"), token("a-back-end", ANY))

    ids = [envelope["id"] for envelope in door.envelopes]
    assert ids[0] == ids[1] == ids[3] != ids[2]


async def test_an_id_that_was_assigned_may_be_sent_again(door: Door) -> None:
    [result] = (await door.post(like())).json()["results"]
    await door.post(like(id=result["id"]))

    assert door.envelopes[0]["id"] == door.envelopes[1]["id"]


async def test_an_idempotency_key_gives_each_place_its_id(door: Door) -> None:
    key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    body = [like(), like(id="mine"), like(type="unlike")]

    first, again = await door.post(body, **key), await door.post(body, **key)
    other_user = await door.post([like(userId="u-18")], token("u-18"), **key)
    bare = await door.post([like()], **{"Idempotency-Key": key["Idempotency-Key"].strip('"')})

    assert [each["id"] for each in first.json()["results"]] == [
        each["id"] for each in again.json()["results"]
    ]
    ids = [envelope["id"] for envelope in door.envelopes]
    assert ids[:3] == ids[3:6]
    assert len(set(ids)) == 4
    assert other_user.status_code == bare.status_code == 202
    assert ids[7] == ids[0]


@pytest.mark.parametrize("key", ["", '""', '"a b"', "x" * 256, '"'])
async def test_an_idempotency_key_that_is_none(door: Door, key: str) -> None:
    answer = await door.post(like(), **{"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["type"]) == (
        400,
        "urn:sluice:problem:malformed-idempotency-key",
    )


async def test_only_json_is_understood_and_gzip(door: Door) -> None:
    assert (await door.post(like(), **{"Content-Type": "text/plain"})).status_code == 415
    assert (await door.post(like(), **{"Content-Encoding": "br"})).status_code == 415
    packed = gzip.compress(json.dumps(like()).encode())
    assert (await door.post(packed, **{"Content-Encoding": "gzip"})).status_code == 202


async def test_without_a_stream_nothing_is_acknowledged(door: Door) -> None:
    door.publisher.failure = StreamUnavailable("away")

    answer = await door.post(like())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_the_path_is_exact_and_other_methods_are_told(door: Door) -> None:
    beside = await door.client.post("/api/eventsful", json=like(), headers=token())

    assert beside.status_code in (404, 405)
    assert (await door.client.get("/api/events")).status_code == 405
    assert not door.publisher.batches
    schema = (await door.client.get("/api/openapi.json")).json()
    assert "post" in schema["paths"]["/api/events"]


async def test_without_any_key_the_door_is_closed(make_app: MakeApp) -> None:
    publisher = RecordingPublisher()
    async with client_of(make_app(publisher, SocialSettings(rates=UNLIMITED))) as client:
        answer = await Door(client, publisher).post(like())

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:sluice:problem:not-configured")
    assert not publisher.batches


async def test_limits_are_settings(make_app: MakeApp) -> None:
    publisher = RecordingPublisher()
    few = ActionSettings(actions_per_request=2)
    app = make_app(
        publisher, SocialSettings(tokens=TOKENS, actions=few, rates=UNLIMITED), event_size_limit=300
    )
    async with client_of(app) as client:
        door = Door(client, publisher)
        assert "ACTIONS_PER_REQUEST" in (await door.post([like()] * 3)).json()["detail"]
        nearly = await door.post(like(padding="x" * 200))

    [error] = nearly.json()["errors"]
    assert error["reason"] == "too_large", "the envelope counts, for that is what is stored"
