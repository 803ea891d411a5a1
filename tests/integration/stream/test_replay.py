"""A replay between the two streams: what becomes a record batch again, what stays, and what a crash does."""

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from nats.aio.client import Client

from collectors.registry import SOURCES
from ops.local.servers import RunningServer
from pipeline.chassis.tracing import Span
from pipeline.errors import StreamUnavailable
from pipeline.events.batch import RecordBatch, read_batch
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.reasons import Reason
from pipeline.stream import (
    DeadLetterArchive,
    DeadLetterFilter,
    DeadLetters,
    Replayer,
    ReplayTally,
    StreamConnection,
    StreamPublisher,
)
from tests.integration.stream.conftest import Connect
from tests.unit.builders import NOW, as_json, good_event
from tests.unit.letters import letter

EVERYTHING = DeadLetterFilter()
BAD = as_json(good_event(funnelStage="middle"))


class Operator:
    """Keeps letters, and replays them."""

    def __init__(self, connection: StreamConnection, client: Client) -> None:
        self.keeper = DeadLetters(StreamPublisher(connection))
        self.archive = DeadLetterArchive(connection, self.keeper)
        self.connection = connection
        self._client = client

    async def replay(
        self,
        wanted: DeadLetterFilter = EVERYTHING,
        limit: int | None = None,
        *,
        dry_run: bool = False,
        publisher: StreamPublisher | None = None,
    ) -> ReplayTally:
        publisher = publisher or StreamPublisher(self.connection)
        replayer = Replayer(self.archive, publisher, SOURCES, event_size_limit=10_000)
        async with aclosing(replayer.replay(wanted, limit, dry_run=dry_run)) as tallies:
            return ([so_far async for so_far in tallies] or [ReplayTally()])[-1]

    async def letters(self) -> list[DeadLetter]:
        return await self.archive.newest(EVERYTHING, 100_000)

    async def batches(self) -> list[RecordBatch]:
        jetstream = self._client.jetstream()
        state = (await jetstream.stream_info("EVENTS")).state
        messages = [await jetstream.get_msg("EVENTS", seq=seq + 1) for seq in range(state.messages)]
        return [
            read_batch(
                (message.subject or "").removeprefix("events."), message.data or b"", message.headers or {}
            )
            for message in messages
        ]


@pytest.fixture
async def operator(empty_nats: RunningServer, other_program: Client, connect: Connect) -> Operator:
    return Operator(await connect(empty_nats.url), other_program)


def good(number: int) -> bytes:
    return as_json(good_event(eventId=f"fb-{number}"))


async def test_what_is_accepted_now_goes_the_way_of_every_event_and_leaves_the_dead_letters(
    operator: Operator,
) -> None:
    letters = [letter(good(number), correlation_id=f"request-{number // 2}") for number in range(1_200)]
    await operator.keeper.keep(letters)

    tally = await operator.replay()

    assert tally == ReplayTally(selected=1_200, replayed=1_200)
    assert await operator.letters() == []
    batches = await operator.batches()
    published = {
        bytes(raw): batch.correlation_of(index) for batch in batches for index, raw in enumerate(batch.events)
    }
    assert published == {each.raw: each.correlation_id for each in letters}
    assert {(batch.source, batch.format, batch.received_at, batch.replays) for batch in batches} == {
        ("facebook", "facebook.event.v1", NOW, 1)
    }
    assert len(batches) <= 4


async def test_events_that_were_received_at_different_times_keep_theirs(operator: Operator) -> None:
    times = [NOW + timedelta(minutes=number) for number in range(5)]
    await operator.keeper.keep(
        letter(good(number), received_at=times[number % 5], replays=number % 2) for number in range(50)
    )

    assert (await operator.replay()).replayed == 50

    found = {
        (batch.received_at, batch.replays, bytes(raw))
        for batch in await operator.batches()
        for raw in batch.events
    }
    assert found == {(times[number % 5], 1 + number % 2, good(number)) for number in range(50)}


async def test_what_is_still_refused_stays_with_the_reason_of_today_and_one_replay_more(
    operator: Operator,
) -> None:
    began = datetime.now(UTC)
    stays = letter(BAD, Reason.STORAGE_REJECTED, replays=2)
    await operator.keeper.keep([letter(good(1)), stays, letter(good(2))])

    tally = await operator.replay()

    assert tally == ReplayTally(selected=3, replayed=2, rejected={"schema_violation": 1})
    [left] = await operator.letters()
    assert (left.id, left.raw, left.received_at) == (stays.id, stays.raw, stays.received_at)
    assert (left.rejection.reason, left.rejection.path) == (Reason.SCHEMA_VIOLATION, "$.funnelStage")
    assert (left.replays, left.stage) == (3, "replay")
    assert left.failed_at >= began
    [count] = await operator.archive.counts(EVERYTHING)
    assert count.reason == "schema_violation", "it is filed under its reason of today"


async def test_a_body_that_was_no_json_stays(operator: Operator) -> None:
    await operator.keeper.keep([letter(b'[{"a":1},', Reason.MALFORMED_JSON, source="unknown", format="")])
    assert (await operator.replay()).rejected == {"malformed_json": 1}
    [left] = await operator.letters()
    assert left.raw == b'[{"a":1},'
    assert "send it anew" in left.rejection.detail


async def test_a_truncated_letter_is_left_alone_and_counted(operator: Operator) -> None:
    cut = letter(b'{"eventId":"fb-1", ', truncated=True)
    await operator.keeper.keep([cut, letter(good(1))])

    assert await operator.replay() == ReplayTally(selected=2, replayed=1, not_replayable=1)
    assert await operator.letters() == [cut]
    assert await operator.replay() == ReplayTally(selected=1, not_replayable=1)
    assert await operator.letters() == [cut]


async def test_only_what_is_meant_is_replayed(operator: Operator) -> None:
    letters = [letter(good(number), correlation_id=f"request-{number % 2}") for number in range(100)]
    await operator.keeper.keep(letters)

    assert (await operator.replay(DeadLetterFilter(correlation_id="request-1"), limit=30)).replayed == 30

    left = {each.id for each in await operator.letters()}
    replayed = [each for each in letters if each.correlation_id == "request-1"][:30]
    assert left == {each.id for each in letters} - {each.id for each in replayed}


async def test_a_dry_run_tells_what_would_pass_and_changes_nothing(
    operator: Operator, other_program: Client
) -> None:
    await operator.keeper.keep([letter(good(1)), letter(BAD), letter(truncated=True)])
    before = (await other_program.jetstream().stream_info("DEAD_LETTERS")).state

    tally = await operator.replay(dry_run=True)

    assert tally == ReplayTally(selected=3, replayed=1, rejected={"schema_violation": 1}, not_replayable=1)
    assert await operator.batches() == []
    assert (await other_program.jetstream().stream_info("DEAD_LETTERS")).state == before


async def test_killed_between_publishing_and_settling_every_letter_is_still_there(operator: Operator) -> None:
    letters = [letter(good(number)) for number in range(20)] + [letter(BAD)]
    await operator.keeper.keep(letters)

    class Killed(BaseException):
        pass

    class LastWords(StreamPublisher):
        async def publish_batch(
            self,
            batch: RecordBatch,
            *,
            waiting_since: float | None = None,
            origins: Sequence[Span] | None = None,
        ) -> None:
            await super().publish_batch(batch)
            raise Killed

    with pytest.raises(Killed):
        await operator.replay(publisher=LastWords(operator.connection))
    assert len(await operator.letters()) == 21

    assert (await operator.replay()).replayed == 20
    assert len(await operator.letters()) == 1
    published = Counter(bytes(raw) for batch in await operator.batches() for raw in batch.events)
    assert published == {good(number): 2 for number in range(20)}, (
        "the ledger's business: see the stored-once test"
    )


async def test_when_the_events_are_not_acknowledged_nothing_is_lost(operator: Operator) -> None:
    await operator.keeper.keep(letter(good(number)) for number in range(3))

    class Full(StreamPublisher):
        async def publish_batch(
            self,
            batch: RecordBatch,
            *,
            waiting_since: float | None = None,
            origins: Sequence[Span] | None = None,
        ) -> None:
            raise StreamUnavailable("JetStream refused: maximum bytes exceeded")

    with pytest.raises(StreamUnavailable, match="maximum bytes"):
        await operator.replay(publisher=Full(operator.connection))
    assert len(await operator.letters()) == 3


async def test_the_judge_of_today_is_the_one_of_the_registry(operator: Operator) -> None:
    """A mapping fix, as a deploy brings it: what the old format refused the new one takes."""
    old = SOURCES["facebook"].formats["facebook.event.v1"]
    event = as_json(good_event(eventType="video.view.v2"))
    await operator.keeper.keep([letter(event)])
    assert (await operator.replay()).rejected == {"schema_violation": 1}

    def decode_fixed(raw: bytes) -> object:
        return old.decode(bytes(raw).replace(b"video.view.v2", b"video.view"))

    fixed_format = msgspec.structs.replace(old, decode=decode_fixed)
    fixed = msgspec.structs.replace(SOURCES["facebook"], formats={old.name: fixed_format})
    replayer = Replayer(
        operator.archive, StreamPublisher(operator.connection), {"facebook": fixed}, event_size_limit=10_000
    )
    async with aclosing(replayer.replay(EVERYTHING)) as tallies:
        assert [tally.replayed async for tally in tallies] == [1]
    [batch] = await operator.batches()
    assert (bytes(batch.events[0]), batch.replays) == (event, 2)
