"""Group commit: small requests share what is written to disk, each with an answer of its own."""

import asyncio
import itertools
from datetime import timedelta

import msgspec
import pytest

from collectors.registry import SOURCES
from gateway.commit import GroupCommit
from pipeline.errors import StreamUnavailable
from pipeline.events.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from tests.unit.builders import NOW
from tests.unit.gateway.fakes import HeldPublisher, until


@pytest.fixture
def publisher() -> HeldPublisher:
    return HeldPublisher()


@pytest.fixture
def commit(publisher: HeldPublisher) -> GroupCommit:
    return GroupCommit(publisher)


def start(
    commit: GroupCommit,
    name: str,
    *,
    events: int = 1,
    size: int = 2,
    source: str = "facebook",
    late: float = 0,
) -> asyncio.Task[None]:
    """A request with so many events, each `size` bytes of JSON that begin with its name."""
    raws = [msgspec.Raw(f'"{name}"'.ljust(size).encode()) for _ in range(events)]
    received_at = NOW + timedelta(seconds=late)
    return asyncio.create_task(
        commit.commit(source, SOURCES[source].event_format or "", raws, received_at, name)
    )


def names_in(publisher: HeldPublisher, batch: int) -> list[str]:
    return [bytes(event).strip(b'" ').decode() for event in publisher.batches[batch].events]


async def everybody_had_a_turn() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def settle(publisher: HeldPublisher, batches: int) -> None:
    """Waits for so many batches, and sees to it that there are no more."""
    await until(lambda: len(publisher.batches) >= batches)
    await everybody_had_a_turn()
    assert len(publisher.batches) == batches


async def test_a_lone_request_does_not_wait_for_others(commit: GroupCommit, publisher: HeldPublisher) -> None:
    request = start(commit, "a")
    await settle(publisher, 1)
    assert not request.done()
    publisher.acknowledge(0)
    await request


async def test_what_arrives_during_a_publish_shares_the_next_batch(
    commit: GroupCommit, publisher: HeldPublisher
) -> None:
    first = start(commit, "a")
    await settle(publisher, 1)
    others = [start(commit, "b", late=1), start(commit, "c", events=3, late=2), start(commit, "d", late=3)]
    await settle(publisher, 1)
    publisher.acknowledge(0)
    await first
    await settle(publisher, 2)
    assert names_in(publisher, 1) == ["b", "c", "c", "c", "d"]
    assert publisher.batches[1].correlation == [("b", 1), ("c", 3), ("d", 1)]
    assert [publisher.batches[1].correlation_of(index) for index in range(5)] == ["b", "c", "c", "c", "d"]
    assert publisher.batches[1].received_at == NOW + timedelta(seconds=1)

    assert not any(other.done() for other in others)
    publisher.acknowledge(1)
    await asyncio.gather(*others)


async def test_a_refused_batch_is_the_answer_of_its_requests_only(
    commit: GroupCommit, publisher: HeldPublisher
) -> None:
    first = start(commit, "a")
    await settle(publisher, 1)
    second, third = start(commit, "b"), start(commit, "c")
    await asyncio.sleep(0)
    publisher.acknowledge(0)
    await first
    await settle(publisher, 2)
    fourth = start(commit, "d")
    await asyncio.sleep(0)
    publisher.refuse(1, StreamUnavailable("JetStream is full"))
    for request in (second, third):
        with pytest.raises(StreamUnavailable, match="JetStream is full"):
            await request
    await settle(publisher, 3)
    assert names_in(publisher, 2) == ["d"]
    publisher.acknowledge(2)
    await fourth


async def test_after_an_error_the_next_request_starts_anew(
    commit: GroupCommit, publisher: HeldPublisher
) -> None:
    request = start(commit, "a")
    await settle(publisher, 1)
    publisher.refuse(0, RuntimeError("a defect"))
    with pytest.raises(RuntimeError, match="a defect"):
        await request
    request = start(commit, "b")
    await settle(publisher, 2)
    publisher.acknowledge(1)
    await request


@pytest.mark.parametrize("waits_for", ["its turn", "its acknowledgement"])
async def test_a_sender_who_leaves_harms_nobody(
    commit: GroupCommit, publisher: HeldPublisher, waits_for: str
) -> None:
    first = start(commit, "a")
    await settle(publisher, 1)
    stays, leaves, stays_too = start(commit, "b"), start(commit, "c"), start(commit, "d")
    await asyncio.sleep(0)
    if waits_for == "its turn":
        leaves.cancel()
    publisher.acknowledge(0)
    await settle(publisher, 2)
    leaves.cancel()
    await asyncio.sleep(0)
    publisher.acknowledge(1)
    await asyncio.gather(first, stays, stays_too)
    assert leaves.cancelled()


async def test_the_first_sender_may_leave_while_its_batch_is_on_its_way(
    commit: GroupCommit, publisher: HeldPublisher
) -> None:
    leaves = start(commit, "a")
    await settle(publisher, 1)
    stays = start(commit, "b")
    leaves.cancel()
    await asyncio.sleep(0)
    publisher.acknowledge(0)
    await settle(publisher, 2)
    publisher.acknowledge(1)
    await stays


async def test_large_requests_do_not_wait_for_small_ones(
    commit: GroupCommit, publisher: HeldPublisher
) -> None:
    small = start(commit, "small")
    await settle(publisher, 1)
    heavy = start(commit, "heavy", events=2, size=MAX_BATCH_BYTES // 5)
    await settle(publisher, 2)
    many = start(commit, "many", events=700)
    await settle(publisher, 4)
    assert sorted(len(batch.events) for batch in publisher.batches[2:]) == [200, 500]
    assert {batch.correlation[0][0] for batch in publisher.batches[2:]} == {"many"}
    for number in (1, 2, 3):
        publisher.acknowledge(number)
    await many
    await heavy
    assert not small.done()
    publisher.acknowledge(0)
    await small


async def test_a_large_request_fails_when_one_of_its_batches_does(
    commit: GroupCommit, publisher: HeldPublisher
) -> None:
    many = start(commit, "many", events=1_200)
    await settle(publisher, 3)
    publisher.acknowledge(0)
    publisher.refuse(1, StreamUnavailable("JetStream is full"))
    with pytest.raises(StreamUnavailable):
        await many


async def test_a_large_request_publishes_a_few_batches_at_a_time_and_each_of_them_once(
    commit: GroupCommit, publisher: HeldPublisher
) -> None:
    many = start(commit, "many", events=4_200)
    for number in range(9):
        under_way = min(number + 4, 9)
        await settle(publisher, under_way)
        await everybody_had_a_turn()
        assert len(publisher.batches) == under_way
        assert not many.done()
        publisher.acknowledge(number)
    await many
    assert [len(batch.events) for batch in publisher.batches] == [500] * 8 + [200]


async def test_large_requests_have_a_window_of_their_own(publisher: HeldPublisher) -> None:
    large = HeldPublisher()
    commit = GroupCommit(publisher, large)
    many, small = start(commit, "many", events=1_200), start(commit, "small")
    await settle(publisher, 1)
    await settle(large, 3)
    publisher.acknowledge(0)
    await small
    assert not many.done()
    many.cancel()


async def test_sources_do_not_wait_for_each_other(commit: GroupCommit, publisher: HeldPublisher) -> None:
    facebook = start(commit, "a")
    tiktok = start(commit, "b", source="tiktok")
    await settle(publisher, 2)
    assert [(batch.source, batch.format) for batch in publisher.batches] == [
        ("facebook", "facebook.event.v1"),
        ("tiktok", "tiktok.event.v1"),
    ]
    publisher.acknowledge(1)
    await tiktok
    assert not facebook.done()
    publisher.acknowledge(0)
    await facebook


@pytest.mark.parametrize(("requests", "events", "size"), [(1_200, 1, 10), (60, 90, 10), (30, 1, 50_000)])
async def test_a_shared_batch_keeps_to_the_limits_and_loses_nothing(
    commit: GroupCommit, publisher: HeldPublisher, requests: int, events: int, size: int
) -> None:
    first = start(commit, "first")
    await settle(publisher, 1)
    others = [start(commit, str(number), events=events, size=size) for number in range(requests)]
    await asyncio.sleep(0)
    for number in itertools.count():
        if all(request.done() for request in (first, *others)):
            break
        assert len(publisher.batches) == number + 1
        publisher.acknowledge(number)
        await everybody_had_a_turn()
    await asyncio.gather(first, *others)
    assert all(len(batch.events) <= MAX_BATCH_EVENTS for batch in publisher.batches)
    # Brackets and commas come on top of the events themselves.
    assert all(len(batch.payload()) <= MAX_BATCH_BYTES + MAX_BATCH_EVENTS + 1 for batch in publisher.batches)
    published = [name for number in range(1, len(publisher.batches)) for name in names_in(publisher, number)]
    assert published == [str(number) for number in range(requests) for _ in range(events)]
