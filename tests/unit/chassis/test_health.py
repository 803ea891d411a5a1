"""Readiness asks every dependency at once, and names the one that does not answer."""

import asyncio

from pipeline.chassis.health import run_checks


async def answers() -> str:
    return "answers"


async def fails() -> str:
    raise ConnectionError("refused")


async def hangs() -> str:
    await asyncio.Event().wait()
    return "never"


async def test_all_ready_is_ready() -> None:
    readiness = await run_checks({"nats": answers, "postgres": answers}, timeout_seconds=1)
    assert readiness.ready
    assert [(check.name, check.ready, check.detail) for check in readiness.checks] == [
        ("nats", True, "answers"),
        ("postgres", True, "answers"),
    ]


async def test_one_that_fails_is_named_with_its_error() -> None:
    readiness = await run_checks({"nats": answers, "postgres": fails}, timeout_seconds=1)
    assert not readiness.ready
    nats, postgres = readiness.checks
    assert nats.ready
    assert (postgres.name, postgres.ready, postgres.detail) == ("postgres", False, "ConnectionError: refused")


async def test_one_that_hangs_is_given_up_and_timed() -> None:
    readiness = await run_checks({"nats": hangs, "postgres": answers}, timeout_seconds=0.05)
    nats, postgres = readiness.checks
    assert not readiness.ready
    assert (nats.ready, nats.detail) == (False, "no answer within 0.05 s")
    assert nats.milliseconds >= 45  # timers may be a little early
    assert postgres.ready


async def test_checks_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(2)

    async def meets() -> str:
        await meeting.wait()  # gets on only when the other has come, too
        return "met"

    assert (await run_checks({"one": meets, "other": meets}, timeout_seconds=5)).ready


async def test_nothing_to_ask_is_ready() -> None:
    assert (await run_checks({}, timeout_seconds=1)).ready


async def test_without_an_optional_one_it_is_degraded_and_ready() -> None:
    readiness = await run_checks({"nats": answers}, timeout_seconds=1, optional={"redis": fails})
    assert (readiness.status, readiness.ready) == ("degraded", True)
    nats, redis = readiness.checks
    assert (nats.ready, nats.optional) == (True, False)
    assert (redis.name, redis.ready, redis.optional) == ("redis", False, True)


async def test_with_all_optional_ones_it_is_ready() -> None:
    readiness = await run_checks({"nats": answers}, timeout_seconds=1, optional={"redis": answers})
    assert (readiness.status, readiness.ready) == ("ready", True)


async def test_an_optional_one_makes_up_for_no_other() -> None:
    readiness = await run_checks({"nats": fails}, timeout_seconds=1, optional={"redis": answers})
    assert (readiness.status, readiness.ready) == ("not ready", False)
