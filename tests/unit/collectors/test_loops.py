"""The collect loop reads while it writes, and leaves nothing half done."""

import asyncio

import pytest

from collectors._runtime.loops import collect
from pipeline.chassis.supervision import Heartbeat
from tests.unit.builders import facebook_events, record_batch
from tests.unit.collectors.fakes import FakeDelivery, Runtime, until


class CountedHeartbeat(Heartbeat):
    beats = 0

    def beat(self) -> None:
        self.beats += 1


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


@pytest.fixture
def heartbeat() -> CountedHeartbeat:
    return CountedHeartbeat(stall_after_seconds=60)


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


def start(runtime: Runtime, stop: asyncio.Event, heartbeat: Heartbeat) -> asyncio.Task[None]:
    return asyncio.create_task(
        collect(stop, runtime.reader, runtime.writer, runtime.consumer, runtime.settings, heartbeat)
    )


def deliver(runtime: Runtime, prefix: str) -> FakeDelivery:
    return runtime.consumer.deliver(record_batch([*facebook_events(2, prefix)]))


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_comes_during_a_transaction_is_the_next_transaction(
    runtime: Runtime, stop: asyncio.Event, heartbeat: CountedHeartbeat
) -> None:
    collecting = start(runtime, stop, heartbeat)
    runtime.store.gate.clear()
    deliver(runtime, "a")
    await until(lambda: len(runtime.store.writes) == 1)
    for prefix in ("b", "c", "d"):
        deliver(runtime, prefix)
        await turns()
    runtime.store.gate.set()
    await until(lambda: all(delivery.settled for delivery in runtime.consumer.deliveries))
    assert runtime.store.writes == [["a-0", "a-1"], ["b-0", "b-1", "c-0", "c-1", "d-0", "d-1"]]
    stop.set()
    await collecting


async def test_a_stop_finishes_the_batch_in_hand_and_gives_the_rest_back(
    runtime: Runtime, stop: asyncio.Event, heartbeat: CountedHeartbeat
) -> None:
    collecting = start(runtime, stop, heartbeat)
    runtime.store.gate.clear()
    in_hand = deliver(runtime, "a")
    await until(lambda: len(runtime.store.writes) == 1)
    waiting = [deliver(runtime, "b"), deliver(runtime, "c")]
    await turns()
    stop.set()
    await turns()
    assert not collecting.done()
    runtime.store.gate.set()
    await collecting
    assert in_hand.settled == "acked"
    # What had been read already may be written as well; nothing is left in between.
    for delivery, prefix in zip(waiting, "bc", strict=True):
        assert delivery.settled == ("acked" if f"{prefix}-0" in runtime.store.stored else "given back")


async def test_an_idle_loop_stops_at_once(
    runtime: Runtime, stop: asyncio.Event, heartbeat: CountedHeartbeat
) -> None:
    collecting = start(runtime, stop, heartbeat)
    await turns()
    stop.set()
    await until(collecting.done)
    assert runtime.store.writes == []


async def test_after_a_stop_nothing_new_is_begun(
    runtime: Runtime, stop: asyncio.Event, heartbeat: CountedHeartbeat
) -> None:
    stop.set()
    delivery = deliver(runtime, "a")
    await start(runtime, stop, heartbeat)
    assert delivery.settled == "given back"
    assert runtime.store.writes == []


async def test_a_defect_of_the_writer_ends_the_loop_without_waiting_for_the_next_delivery(
    runtime: Runtime, stop: asyncio.Event, heartbeat: CountedHeartbeat
) -> None:
    collecting = start(runtime, stop, heartbeat)
    runtime.store.failures = [RuntimeError("a defect of the store")]
    delivery = deliver(runtime, "a")
    await until(collecting.done)
    with pytest.raises(RuntimeError, match="a defect of the store"):
        await collecting
    assert delivery.settled == "given back"


async def test_the_heart_beats_when_idle_and_after_writes_but_not_during_one(
    runtime: Runtime, stop: asyncio.Event, heartbeat: CountedHeartbeat
) -> None:
    collecting = start(runtime, stop, heartbeat)
    await until(lambda: heartbeat.beats > 0)
    runtime.store.gate.clear()
    deliver(runtime, "a")
    await until(lambda: len(runtime.store.writes) == 1)
    before = heartbeat.beats
    for prefix in ("b", "c"):
        deliver(runtime, prefix)
        await turns()
    assert heartbeat.beats == before
    runtime.store.gate.set()
    await until(lambda: len(runtime.store.writes) == 2)
    assert heartbeat.beats > before
    stop.set()
    await collecting
