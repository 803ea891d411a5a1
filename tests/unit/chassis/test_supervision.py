"""Background loops never end silently."""

import asyncio

import pytest
import structlog

from pipeline.chassis.supervision import Heartbeat, supervise


async def until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()


async def dies(_stop: asyncio.Event) -> None:
    raise RuntimeError("out of luck")


async def ends_early(_stop: asyncio.Event) -> None:
    return


class Recorded:
    """A loop that remembers how it ended."""

    ended = ""

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await stop.wait()
            self.ended = "was told to stop"
        finally:
            self.ended = self.ended or "was cancelled"

    async def ignore(self, _stop: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = "was cancelled"


async def test_a_clean_stop_is_healthy() -> None:
    stop, loop = asyncio.Event(), Recorded()
    supervising = asyncio.create_task(supervise({"one": until_stopped, "other": loop.run}, stop, 5))
    await asyncio.sleep(0)
    stop.set()
    assert await supervising is True
    assert loop.ended == "was told to stop"


async def test_a_loop_that_dies_stops_the_others_and_is_unhealthy() -> None:
    stop, loop = asyncio.Event(), Recorded()
    assert await supervise({"mortal": dies, "other": loop.run}, stop, 5) is False
    assert stop.is_set()
    assert loop.ended == "was told to stop"


async def test_a_loop_that_ends_early_is_unhealthy_too() -> None:
    stop, loop = asyncio.Event(), Recorded()
    assert await supervise({"short": ends_early, "other": loop.run}, stop, 5) is False
    assert loop.ended == "was told to stop"


async def test_a_loop_that_ignores_the_stop_is_cancelled_after_the_grace() -> None:
    stop, deaf, polite = asyncio.Event(), Recorded(), Recorded()
    stop.set()
    assert await supervise({"deaf": deaf.ignore, "polite": polite.run}, stop, 0.05) is True
    assert (deaf.ended, polite.ended) == ("was cancelled", "was told to stop")


async def test_a_loop_that_dies_while_stopping_is_unhealthy() -> None:
    async def dies_late(stop: asyncio.Event) -> None:
        await stop.wait()
        raise RuntimeError("while stopping")

    stop = asyncio.Event()
    supervising = asyncio.create_task(supervise({"late": dies_late}, stop, 5))
    await asyncio.sleep(0)
    stop.set()
    assert await supervising is False


async def test_only_the_loop_to_blame_is_logged_as_such() -> None:
    with structlog.testing.capture_logs() as logs:
        await supervise({"mortal": dies, "one": until_stopped, "other": until_stopped}, asyncio.Event(), 5)
        await supervise({"short": ends_early, "one": until_stopped}, asyncio.Event(), 5)
    assert [(entry["event"], entry["loop"]) for entry in logs] == [
        ("loop_died", "mortal"),
        ("loop_ended", "short"),
    ]


async def test_without_loops_it_waits_for_the_stop() -> None:
    stop = asyncio.Event()
    supervising = asyncio.create_task(supervise({}, stop, 5))
    await asyncio.sleep(0)
    assert not supervising.done()
    stop.set()
    assert await supervising is True


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("pipeline.chassis.supervision.time", clock)
    return clock


async def test_a_heart_that_beats_is_turning(clock: Clock) -> None:
    heartbeat = Heartbeat(stall_after_seconds=60)
    clock.now += 59
    assert await heartbeat.check() == "turning"
    heartbeat.beat()
    clock.now += 60
    assert await heartbeat.check() == "turning"


async def test_a_heart_that_was_silent_for_too_long_says_for_how_long(clock: Clock) -> None:
    heartbeat = Heartbeat(stall_after_seconds=60)
    clock.now += 75
    with pytest.raises(TimeoutError, match="no turn of the loop for 75 s"):
        await heartbeat.check()
    heartbeat.beat()
    assert await heartbeat.check() == "turning"
