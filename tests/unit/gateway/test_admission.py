"""What is in flight is bounded, and the bounds are fair: to small bodies beside large ones, and to fast senders."""

import asyncio
from typing import Any

import httpx
import pytest

from gateway.admission import Admission
from gateway.settings import GatewaySettings
from pipeline.chassis.problems import Problem
from pipeline.chassis.settings import ByteSize
from tests.unit.builders import as_json, facebook_events, good_event
from tests.unit.gateway.fakes import HeldPublisher, client_of, gateway_app, until

KB = 1024
JSON = {"content-type": "application/json"}


def admission(**settings: Any) -> Admission:
    given: dict[str, Any] = {
        "body_bytes_in_flight": ByteSize(1000 * KB),
        "small_body_bytes": ByteSize(10 * KB),
        "body_bytes_for_small": ByteSize(200 * KB),
        **settings,
    }
    return Admission(GatewaySettings(**given))


def fits(budget: Admission, size: int) -> bool:
    """Whether there is room for one more body of this size."""
    try:
        with budget.admit() as reservation:
            reservation.grow_to(size)
    except Problem as problem:
        return (problem.status, problem.headers) != (503, {"Retry-After": "1"})
    return True


def test_large_bodies_leave_a_part_to_small_ones() -> None:
    budget = admission()
    with budget.admit() as large, budget.admit() as small:
        large.grow_to(800 * KB)
        assert not fits(budget, 11 * KB)
        for _ in range(20):
            assert fits(budget, 10 * KB)
        small.grow_to(10 * KB)
        with pytest.raises(Problem, match="bytes"):
            small.grow_to(11 * KB)  # it is a large one from here on


def test_small_bodies_may_use_all_of_it() -> None:
    budget = admission()
    held = [budget.admit() for _ in range(100)]
    for reservation in held:
        reservation.grow_to(10 * KB)
    assert not fits(budget, 1)
    held[0].__exit__(None, None, None)
    assert fits(budget, 10 * KB)


def test_the_part_of_small_ones_is_a_quarter_at_most() -> None:
    assert fits(admission(body_bytes_for_small=ByteSize(2000 * KB)), 750 * KB)


def test_a_large_body_that_is_only_announced_holds_nothing() -> None:
    budget = admission()
    with budget.admit() as slow:
        slow.check(800 * KB)
        slow.came(1, 800 * KB)
        assert fits(budget, 700 * KB)
        slow.came(11 * KB, 800 * KB)
        assert slow.size == 800 * KB
        assert not fits(budget, 700 * KB)


def test_a_body_without_an_announcement_holds_what_has_come() -> None:
    budget = admission()
    with budget.admit() as chunked:
        chunked.came(700 * KB)
        assert fits(budget, 100 * KB)
        assert not fits(budget, 101 * KB)
        with pytest.raises(Problem):
            chunked.came(801 * KB)
    assert fits(budget, 800 * KB)


def test_what_is_announced_above_the_room_is_refused_before_it_comes() -> None:
    budget = admission()
    with budget.admit() as first, budget.admit() as second:
        first.came(500 * KB)
        with pytest.raises(Problem, match="bytes"):
            second.check(301 * KB)


def test_a_slow_sender_is_no_request_in_flight_before_its_body_is_here() -> None:
    budget = admission(requests_in_flight=1)
    with budget.admit() as slow, budget.admit() as fast:
        slow.came(1)
        fast.begin_work()
        with pytest.raises(Problem, match="requests"):
            budget.admit()
        with pytest.raises(Problem, match="requests"):
            slow.begin_work()
    assert fits(budget, 1)


async def test_too_many_requests_in_flight_are_503_with_retry_after_until_one_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = HeldPublisher()
    app = gateway_app(monkeypatch, publisher, requests_in_flight=2, retry_after_seconds=3)
    async with client_of(app) as client:
        first = asyncio.create_task(client.post("/events", json=good_event()))
        await until(lambda: len(publisher.batches) == 1)
        second = asyncio.create_task(client.post("/events", json=facebook_events(200)))
        await until(lambda: len(publisher.batches) == 2)
        refused = await client.post("/events", json=good_event())
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
        assert refused.json()["detail"] == "too many requests in flight"
        publisher.acknowledge(0)
        publisher.acknowledge(1)
        assert {(await first).status_code, (await second).status_code} == {202}
        third = asyncio.create_task(client.post("/events", json=good_event()))
        await until(lambda: len(publisher.batches) == 3)
        publisher.acknowledge(2)
        assert (await third).status_code == 202


async def test_a_small_event_is_taken_while_large_bodies_hold_all_that_they_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = HeldPublisher()
    large = as_json(facebook_events(400))
    app = gateway_app(
        monkeypatch,
        publisher,
        body_bytes_in_flight=ByteSize(2 * len(large)),
        small_body_bytes=ByteSize(2 * KB),
    )
    async with client_of(app) as client:

        async def post(body: bytes) -> httpx.Response:
            return await client.post("/events", content=body, headers=JSON)

        first = asyncio.create_task(post(large))
        await until(lambda: len(publisher.batches) == 1)
        assert (await post(large)).status_code == 503
        small = asyncio.create_task(post(as_json(good_event())))
        await until(lambda: len(publisher.batches) == 2)
        publisher.acknowledge(1)
        assert (await small).status_code == 202
        publisher.acknowledge(0)
        assert (await first).status_code == 202
