"""Dead letters between keeping and settling: counted, listed, found, taken out, and bounded under a flood."""

import asyncio
import time
from contextlib import aclosing
from datetime import timedelta

import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.chassis.settings import ByteSize
from pipeline.errors import StreamUnavailable
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.reasons import Reason
from pipeline.stream import (
    DeadLetterArchive,
    DeadLetterFilter,
    DeadLetters,
    LetterCount,
    StreamConnection,
    StreamPublisher,
    UnclearId,
)
from tests.integration.stream.conftest import Connect
from tests.unit.builders import NOW
from tests.unit.letters import letter

EVERYTHING = DeadLetterFilter()


class Desk:
    """What keeps dead letters and what looks at them."""

    def __init__(self, connection: StreamConnection) -> None:
        self.keeper = DeadLetters(StreamPublisher(connection))
        self.archive = DeadLetterArchive(connection, self.keeper)

    async def all(self) -> list[DeadLetter]:
        """Everything in the stream, as often as it is there."""
        async with aclosing(self.archive.choose(EVERYTHING)) as messages:
            return [each async for message in messages for each in message.chosen]

    async def discard(self, wanted: DeadLetterFilter, limit: int | None = None) -> int:
        async with aclosing(self.archive.discard(wanted, limit)) as counts:
            return max([gone async for gone in counts], default=0)


@pytest.fixture
async def desk(empty_nats: RunningServer, connect: Connect) -> Desk:
    return Desk(await connect(empty_nats.url, dead_letters_max_bytes=ByteSize(256 * 1024**2)))


async def test_every_dead_letter_is_kept_as_it_is_and_many_share_a_message(
    desk: Desk, other_program: Client
) -> None:
    letters = [letter(b"\xff\x00 no JSON %d" % number) for number in range(1_200)]

    await desk.keeper.keep(letters)

    assert (await other_program.jetstream().stream_info("DEAD_LETTERS")).state.messages == 3
    assert by_id(await desk.all()) == by_id(letters)


async def test_letters_that_are_kept_again_are_kept_once(desk: Desk) -> None:
    letters = [letter() for _ in range(700)]
    await desk.keeper.keep(letters)
    await desk.keeper.keep(letters)
    assert len(await desk.all()) == 700


async def test_counts_by_source_and_reason_with_and_without_looking_inside(desk: Desk) -> None:
    early, late = NOW, NOW + timedelta(hours=1)
    await desk.keeper.keep(letter(failed_at=early) for _ in range(30))
    await desk.keeper.keep(letter(failed_at=late, correlation_id="request-9") for _ in range(5))
    mixed = [letter(failed_at=at, source="tiktok", reason=Reason.TOO_LARGE) for at in (early, late)]
    await desk.keeper.keep([*mixed, letter(source="tiktok", reason=Reason.TOO_LARGE, truncated=True)])

    async def counted(**wanted: object) -> list[tuple[str, str, int, int]]:
        counts = await desk.archive.counts(DeadLetterFilter(**wanted))  # type: ignore[arg-type]
        return [(each.source, each.reason, each.letters, each.truncated) for each in counts]

    facebook, tiktok = ("facebook", "schema_violation"), ("tiktok", "too_large")
    assert await counted() == [(*facebook, 35, 0), (*tiktok, 3, 1)]
    assert await counted(source="tiktok") == [(*tiktok, 3, 1)]
    assert await counted(reason=Reason.SCHEMA_VIOLATION) == [(*facebook, 35, 0)]
    assert await counted(failed_from=late) == [(*facebook, 5, 0), (*tiktok, 1, 0)]
    assert await counted(failed_before=late) == [(*facebook, 30, 0), (*tiktok, 2, 1)]
    assert await counted(correlation_id="request-9") == [(*facebook, 5, 0)]
    assert await counted(replayable=True) == [(*facebook, 35, 0), (*tiktok, 2, 0)]
    assert await counted(source="instagram") == []


async def test_the_newest_are_listed_first_and_each_once(desk: Desk) -> None:
    letters = [letter(failed_at=NOW + timedelta(seconds=number)) for number in range(600)]
    await desk.keeper.keep(letters[300:])
    await desk.keeper.keep(letters[:300])
    # Left behind by a crash: the same letters again, in another message.
    await desk.keeper.keep(letters[500:])

    newest = await desk.archive.newest(EVERYTHING, 150)

    assert newest == letters[:-151:-1]
    assert await desk.archive.newest(DeadLetterFilter(ids=(letters[3].id,)), 150) == [letters[3]]
    assert await desk.archive.newest(EVERYTHING, 0) == []


async def test_a_letter_is_found_by_the_beginning_of_its_id_unless_that_is_unclear(desk: Desk) -> None:
    letters = [letter(id=f"{prefix}{'0' * 28}") for prefix in ("aaaa", "aabb", "bbbb")]
    await desk.keeper.keep(letters)
    assert await desk.archive.find("bbbb") == letters[2]
    assert await desk.archive.find(letters[0].id) == letters[0]
    with pytest.raises(UnclearId, match="several") as unclear:
        await desk.archive.find("aa")
    assert unclear.value.candidates == [letters[0].id, letters[1].id]
    with pytest.raises(UnclearId, match="there is none"):
        await desk.archive.find("cccc")


async def test_only_what_is_meant_is_discarded_and_its_neighbours_stay_as_they_are(desk: Desk) -> None:
    letters = [letter(correlation_id=f"request-{number % 3}") for number in range(900)]
    await desk.keeper.keep(letters)

    assert await desk.discard(DeadLetterFilter(correlation_id="request-1")) == 300

    assert by_id(await desk.all()) == by_id([each for each in letters if each.correlation_id != "request-1"])


async def test_a_limit_discards_the_oldest_and_no_more(desk: Desk) -> None:
    letters = [letter() for _ in range(1_000)]
    await desk.keeper.keep(letters)
    assert await desk.discard(EVERYTHING, limit=7) == 7
    assert by_id(await desk.all()) == by_id(letters[7:])
    assert await desk.discard(EVERYTHING) == 993
    assert await desk.all() == []


async def test_a_crash_while_settling_loses_none_and_shows_none_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = [letter() for _ in range(10)]
    await desk.keeper.keep(letters)
    wanted = DeadLetterFilter(ids=(letters[4].id,))

    class Killed(BaseException):
        pass

    async def die(_archive: DeadLetterArchive, _sequence: int) -> None:
        raise Killed

    with monkeypatch.context() as crash, pytest.raises(Killed):
        crash.setattr(DeadLetterArchive, "_delete", die)
        await desk.discard(wanted)

    assert {each.id for each in await desk.archive.newest(EVERYTHING, 100)} == {each.id for each in letters}
    assert len(await desk.archive.newest(EVERYTHING, 100)) == 10

    await desk.discard(wanted)
    assert by_id(await desk.all()) == by_id([each for each in letters if each is not letters[4]])


async def test_two_operators_at_once_lose_none_that_should_stay(desk: Desk) -> None:
    letters = [letter(correlation_id=f"request-{number % 3}") for number in range(600)]
    await desk.keeper.keep(letters)
    await asyncio.gather(
        *(desk.discard(DeadLetterFilter(correlation_id=f"request-{number}")) for number in (0, 1))
    )
    left = {each.id for each in await desk.all()}
    assert {each.id for each in letters if each.correlation_id == "request-2"} <= left


async def test_a_message_of_another_program_harms_nobody(desk: Desk, other_program: Client) -> None:
    jetstream = other_program.jetstream()
    await desk.keeper.keep([letter()])
    for payload in (b"", b"no letters", b"[" * 1_000):
        await jetstream.publish("dead.facebook.schema_violation.64-1", payload)
    await desk.keeper.keep([letter()])

    assert [count.letters for count in await desk.archive.counts(EVERYTHING)] == [2]
    assert len(await desk.archive.newest(EVERYTHING, 10)) == 2
    assert await desk.discard(EVERYTHING) == 2


async def test_a_flood_of_one_kind_takes_up_a_fourth_and_leaves_the_others_alone(
    empty_nats: RunningServer, connect: Connect, other_program: Client
) -> None:
    desk = Desk(await connect(empty_nats.url, dead_letters_max_bytes=ByteSize(8 * 1024**2)))
    few = [letter(source="tiktok", reason=Reason.STORAGE_REJECTED) for _ in range(20)]
    for each in few:  # one by one, as they come when hardly anything is wrong
        await desk.keeper.keep([each])

    for _ in range(6):
        await desk.keeper.keep(letter(b"x" * 5_000) for _ in range(500))

    state = (await other_program.jetstream().stream_info("DEAD_LETTERS")).state
    assert state.bytes < 3 * 1024**2
    counts = {each.source: each.letters for each in await desk.archive.counts(EVERYTHING)}
    assert counts["tiktok"] == 20
    assert 0 < counts["facebook"] < 3_000


async def test_ten_thousand_are_counted_and_listed_within_a_second(desk: Desk) -> None:
    for start in range(0, 10_000, 100):  # as a hundred requests with a hundred bad events each leave them
        await desk.keeper.keep(letter(b"x" * 430, correlation_id=f"request-{start}") for _ in range(100))

    began = time.monotonic()
    counts = await desk.archive.counts(EVERYTHING)
    newest = await desk.archive.newest(EVERYTHING, 50)

    assert time.monotonic() - began < 1.0
    assert counts == [LetterCount("facebook", "schema_violation", 10_000, 0)]
    assert len(newest) == 50


async def test_a_reader_leaves_nothing_behind(desk: Desk, other_program: Client) -> None:
    await desk.keeper.keep(letter() for _ in range(1_000))
    await desk.archive.counts(EVERYTHING)
    await desk.archive.find((await desk.archive.newest(EVERYTHING, 1))[0].id)
    async with aclosing(desk.archive.choose(EVERYTHING)) as messages:
        async for _ in messages:
            break
    assert await other_program.jetstream().consumers_info("DEAD_LETTERS") == []


async def test_without_nats_everything_says_so_soon(own_nats: RunningServer, connect: Connect) -> None:
    desk = Desk(await connect(own_nats.url, nats_request_timeout_seconds=0.5))
    await desk.keeper.keep([letter()])
    own_nats.kill()
    for question in (
        desk.archive.counts(EVERYTHING),
        desk.archive.newest(EVERYTHING, 1),
        desk.archive.find("abcd"),
        desk.discard(EVERYTHING),
    ):
        began = time.monotonic()
        with pytest.raises(StreamUnavailable):
            await question
        assert time.monotonic() - began < 3
    own_nats.start()


async def test_without_the_stream_it_says_so(desk: Desk, other_program: Client) -> None:
    await other_program.jetstream().delete_stream("DEAD_LETTERS")
    with pytest.raises(StreamUnavailable, match="no stream DEAD_LETTERS"):
        await desk.archive.counts(EVERYTHING)


def by_id(letters: list[DeadLetter]) -> list[DeadLetter]:
    """In an order that does not depend on how they were packed."""
    return sorted(letters, key=lambda each: each.id)
