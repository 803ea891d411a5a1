"""How an app sends a request, and sends it again."""

import json
import re

import msgspec
import pytest

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.pool import Connections, Timeouts
from publisher.social.answers import Answered, answered
from publisher.social.delivering import Courier
from publisher.social.requests import Request
from publisher.social.tokens import Tokens
from tests.unit.publisher.fake_gateway import FakeGateway, Reply, answering, hanging_up
from tests.unit.publisher.social.societies import like, settings


def request(size: int = 1, **changes) -> Request:
    sent = Request(
        actions=tuple(like(number=number) for number in range(size)),
        ids=tuple(f"a-{number}" for number in range(size)),
        payload=b"[]",
    )
    return msgspec.structs.replace(sent, **changes)


def taken(size: int = 1) -> bytes:
    results = [{"index": index, "id": f"a-{index}", "status": "accepted"} for index in range(size)]
    return json.dumps({"accepted": size, "rejected": 0, "results": results}).encode()


TAKEN = answering(202, taken())
FULL = answering(429, b"{}", "Retry-After: 1", "RateLimit-Remaining: 0", "RateLimit-Reset: 1")
LAST = answering(202, taken(), "RateLimit-Remaining: 0", "RateLimit-Reset: 60")


async def deliver(
    *sent: Request, script: tuple[Reply, ...], deadline: float = 10.0
) -> tuple[list[Answered], FakeGateway, Courier]:
    """One after the other."""
    async with FakeGateway(*script) as gateway:
        line = Connections(gateway.url, {}, timeouts=Timeouts(connect=1, answer=1))
        courier = Courier(line, Tokens(settings().tokens), deadline, jitter=lambda: 0.0)
        outcomes = [await courier.deliver(each) for each in sent]
        line.close()
    return outcomes, gateway, courier


def headers(gateway: FakeGateway, name: str) -> list[str]:
    found = [re.search(rf"(?im)^{name}: (.*?)\r$", head) for head in gateway.heads]
    return [match[1] for match in found if match]


@pytest.mark.parametrize("failure", [answering(503), answering(500), hanging_up])
async def test_what_is_not_answered_comes_again_with_the_same_key_and_from_the_same_sender(failure: Reply):
    sent = request(user="u-1", key="r-1", ids=(None,))
    [outcome], gateway, courier = await deliver(sent, script=(failure, failure, TAKEN))
    assert outcome.verdicts == bytes([ACCEPTED])
    assert courier.retries == 2
    assert headers(gateway, "Idempotency-Key") == ["r-1"] * 3
    assert len(set(headers(gateway, "Authorization"))) == 1
    assert courier.bytes == 3 * len(sent.payload)


async def test_an_answer_that_is_lost_counts_as_none():
    [outcome], gateway, courier = await deliver(request(lost_answers=2), script=(TAKEN, TAKEN, TAKEN))
    assert outcome.verdicts == bytes([ACCEPTED])
    assert (len(gateway.bodies), courier.retries) == (3, 2)


async def test_without_room_for_a_user_the_back_end_sends_it_at_once():
    sent = [request(user="u-1"), request(user="u-2"), request(user="u-3")]
    outcomes, gateway, courier = await deliver(*sent, script=(FULL, TAKEN, TAKEN, TAKEN))
    assert [outcome.verdicts for outcome in outcomes] == [bytes([ACCEPTED])] * 3
    first, second, third, fourth = headers(gateway, "Authorization")
    assert first != second == third == fourth, "the others do not even ask"
    assert courier.by_backend == 3


async def test_the_last_request_that_is_admitted_is_the_last_that_is_sent():
    sent = [request(user="u-1"), request(user="u-2")]
    _, _, courier = await deliver(*sent, script=(LAST, TAKEN))
    assert courier.statuses == {"202": 2}
    assert courier.by_backend == 1


async def test_users_with_addresses_have_limits_of_their_own():
    sent = [request(user="u-1", address="198.18.0.1"), request(user="u-2", address="198.18.0.2")]
    _, gateway, courier = await deliver(*sent, script=(LAST, TAKEN))
    assert headers(gateway, "X-Forwarded-For") == ["198.18.0.1", "198.18.0.2"]
    assert courier.by_backend == 0


async def test_the_back_end_waits_as_long_as_it_is_told():
    [outcome], _, courier = await deliver(request(), script=(FULL, TAKEN))
    assert outcome.verdicts == bytes([ACCEPTED])
    [given_up], _, _ = await deliver(request(), script=(FULL,), deadline=0.5)
    assert given_up.verdicts == bytes([UNKNOWN])
    assert courier.statuses == {"429": 1, "202": 1}


async def test_a_request_that_may_be_stored_does_not_change_its_sender():
    [outcome], gateway, courier = await deliver(request(user="u-1"), script=(hanging_up, FULL, TAKEN))
    assert outcome.verdicts == bytes([ACCEPTED])
    assert len(set(headers(gateway, "Authorization"))) == 1
    assert courier.by_backend == 0


@pytest.mark.parametrize(
    ("status", "body"), [(401, b"{}"), (404, b"{}"), (503, b'{"type":"urn:sluice:problem:not-configured"}')]
)
async def test_a_door_that_is_closed_is_not_knocked_at_again(status: int, body: bytes):
    [outcome], gateway, _ = await deliver(request(lost_answers=1), script=(answering(status, body),))
    assert outcome.is_refusal
    assert len(gateway.bodies) == 1


def test_an_answer_says_what_became_of_each_action():
    results = [
        {"index": 0, "id": "a-0", "status": "accepted"},
        {"index": 1, "id": "a-1", "status": "rejected", "reason": "schema_violation", "path": "$.text"},
    ]
    both = answered(202, json.dumps({"accepted": 1, "rejected": 1, "results": results}).encode(), 2)
    assert both.verdicts == bytes([ACCEPTED, REJECTED])
    none = answered(400, json.dumps({"errors": results[1:]}).encode(), 1)
    assert (none.verdicts, none.results[0].reason) == (bytes([REJECTED]), "schema_violation")
    assert answered(202, taken(), 2).verdicts == bytes([UNKNOWN, UNKNOWN]), "it tells of one of two"
    assert answered(202, b"<html>", 1).verdicts == bytes([UNKNOWN])
    assert not answered(503, b"later", 1).is_final
