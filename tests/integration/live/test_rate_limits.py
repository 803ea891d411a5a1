"""Limits of requests that several processes share through a real Redis, and what they do without it."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import pytest
from redis.asyncio import Redis

from ops.local.servers import RunningServer
from pipeline.errors import LiveUnavailable
from pipeline.live import LiveConnection, LiveSettings, Quota, RateLimits
from tests.processes import eventually, pause

TIMEOUT_SECONDS = 0.25
_numbers = itertools.count(1)

MakeLimits = Callable[[int], RateLimits]


def quota(limit: int, name: str = "user") -> Quota:
    """Of somebody whom nobody has counted yet."""
    return Quota(name, f"somebody-{next(_numbers)}-{time.time_ns()}", limit)


@pytest.fixture
async def make_limits(redis_server: RunningServer) -> AsyncIterator[MakeLimits]:
    connections: list[LiveConnection] = []

    def make(window_seconds: int) -> RateLimits:
        settings = LiveSettings(redis_url=redis_server.url, redis_timeout_seconds=TIMEOUT_SECONDS)
        connections.append(LiveConnection(settings, "test"))
        return RateLimits(window_seconds, connections[-1])

    yield make
    for connection in connections:
        await connection.close()


@pytest.fixture
async def plain(redis_server: RunningServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_server.url, decode_responses=True)
    yield client
    await client.aclose()


@contextmanager
def paused(server: RunningServer) -> Iterator[None]:
    pause(server)
    try:
        yield
    finally:
        server.resume()


async def test_all_replicas_together_admit_the_limit_and_not_one_more(make_limits: MakeLimits) -> None:
    replicas = [make_limits(60) for _ in range(3)]
    mine, theirs = quota(100), quota(1000, "address")

    decisions = await asyncio.gather(*(replicas[number % 3].take([theirs, mine]) for number in range(900)))

    admitted = [decision for decision in decisions if decision.admitted]
    assert len(admitted) == 100
    assert all(decision.shared for decision in decisions)
    assert sorted(decision.rooms[1].remaining for decision in admitted) == list(range(100))
    last = await replicas[0].take([theirs])
    assert last.rooms[0].remaining == 899, "what the user was refused has used up nothing of the address"


async def test_room_comes_back_when_it_was_said_to(make_limits: MakeLimits) -> None:
    limits, somebody = make_limits(1), quota(3)
    admitted: list[float] = []
    began = time.monotonic()
    while time.monotonic() - began < 3.5:
        asked = time.monotonic()
        decision = await limits.take([somebody])
        if decision.admitted:
            admitted.append(asked)
        else:
            assert decision.rooms[0].reset_ms <= 1100
            await asyncio.sleep(decision.rooms[0].reset_ms / 1000)

    assert 7 <= len(admitted) <= 12
    # Both ends of a round trip are uncertain by its length.
    assert all(later - earlier > 0.9 for earlier, later in zip(admitted, admitted[3:], strict=False))


async def test_a_flood_costs_redis_nothing(make_limits: MakeLimits, plain: Redis) -> None:
    limits, somebody = make_limits(60), quota(5)

    async def scripts() -> int:
        return (await plain.info("commandstats")).get("cmdstat_evalsha", {"calls": 0})["calls"]

    before = await scripts()
    decisions = [await limits.take([somebody]) for _ in range(10_000)]

    assert sum(decision.admitted for decision in decisions) == 5
    assert all(decision.rooms[0].reset_ms > 0 for decision in decisions)
    assert await scripts() - before <= 6


async def test_thousands_at_once_cost_few_round_trips(make_limits: MakeLimits, plain: Redis) -> None:
    limits = make_limits(60)
    await limits.take([quota(1)])
    before = (await plain.info("commandstats"))["cmdstat_evalsha"]["calls"]

    decisions = await asyncio.gather(*(limits.take([quota(5), quota(5, "address")]) for _ in range(2000)))

    assert all(decision.admitted for decision in decisions)
    assert (await plain.info("commandstats"))["cmdstat_evalsha"]["calls"] - before <= 12


async def test_keys_expire_and_name_nobody(make_limits: MakeLimits, plain: Redis) -> None:
    limits, somebody = make_limits(2), quota(5)
    await limits.take([somebody])

    [key] = [key async for key in plain.scan_iter(f"rate:*{somebody.key}")]

    assert 0 < await plain.pttl(key) <= 2200


async def test_a_key_of_another_kind_is_replaced(make_limits: MakeLimits, plain: Redis) -> None:
    limits, somebody = make_limits(60), quota(2)
    await plain.set(f"rate:60000:user:{somebody.key}", "somebody else's")

    decisions = [await limits.take([somebody]) for _ in range(3)]

    assert [(decision.admitted, decision.shared) for decision in decisions] == [
        (True, True), (True, True), (False, True),
    ]  # fmt: skip


async def test_without_redis_a_process_goes_on_from_what_it_has_admitted(
    make_limits: MakeLimits, redis_server: RunningServer
) -> None:
    limits, somebody = make_limits(60), quota(5)
    for _ in range(3):
        assert (await limits.take([somebody])).shared

    with paused(redis_server):
        began = time.monotonic()
        alone = [await limits.take([somebody]) for _ in range(3)]
        others = [await limits.take([quota(5)]) for _ in range(1000)]
        took = time.monotonic() - began
        with pytest.raises(LiveUnavailable):
            await limits.check()

    assert [(decision.admitted, decision.shared) for decision in alone] == [
        (True, False), (True, False), (False, False),
    ]  # fmt: skip
    assert all(decision.admitted and not decision.shared for decision in others)
    # Only one request a second waits for Redis.
    assert took < TIMEOUT_SECONDS * (took + 2) + 1

    async def shared_again() -> None:
        # Somebody whom this process refuses asks: that is enough to find out that Redis is back.
        assert (await limits.take([somebody])).shared

    await eventually(shared_again)
    assert await limits.check() == "answers"


async def test_all_that_wait_when_redis_goes_away_are_decided(
    make_limits: MakeLimits, redis_server: RunningServer
) -> None:
    limits, somebody = make_limits(60), quota(400)
    await limits.take([quota(1)])

    with paused(redis_server):
        began = time.monotonic()
        decisions = await asyncio.gather(*(limits.take([somebody]) for _ in range(1000)))
        took = time.monotonic() - began

    assert sum(decision.admitted for decision in decisions) == 400
    assert took < 4 * TIMEOUT_SECONDS + 1


async def test_a_request_that_was_cancelled_holds_nobody_up(make_limits: MakeLimits) -> None:
    limits = make_limits(60)
    tasks = [asyncio.create_task(limits.take([quota(5)])) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()

    done = await asyncio.gather(*tasks, return_exceptions=True)

    assert [isinstance(each, asyncio.CancelledError) for each in done] == [True, False] * 5
    assert (await limits.take([quota(5)])).admitted
