"""A collector between real servers: good events end in the tables, bad ones in the dead letters, and none elsewhere."""

import asyncio
import math
import random
import re
from datetime import UTC, datetime

import asyncpg
import pytest
from nats.aio.client import Client

from pipeline.events.dead_letter import DeadLetter
from pipeline.events.reasons import Reason
from pipeline.stream import StreamPublisher
from tests.integration.collectors.conftest import Collector, StartCollector
from tests.integration.collectors.facebook_events import (
    FORMAT,
    batch_of,
    changed,
    dead_letters,
    event_id,
    make_events,
    stored_ids,
    waiting,
)
from tests.processes import eventually


async def test_published_batches_end_in_the_tables(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    events = make_events(900)
    await gateway_side.publish_batch(batch_of(events[:300]))  # before the collector is there
    collector = await start_collector()
    await gateway_side.publish_batch(batch_of(events[300:600]))
    await gateway_side.publish_batch(batch_of(events[600:]))

    await eventually(lambda: settled(other_program))

    assert await stored_ids(look) == sorted(map(event_id, events))
    row = await look.fetchrow("SELECT * FROM events WHERE event_id = $1", event_id(events[0]))
    assert row is not None
    assert row["payload"].encode() == events[0]
    assert await dead_letters(other_program) == []
    stats = await collector.get("/stats")
    assert (stats["delivered"], stats["stored"], stats["duplicates"]) == (900, 900, 0)
    assert (await collector.get("/health/ready"))["ready"] is True


async def test_a_batch_that_comes_again_is_counted_and_changes_nothing(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    collector = await start_collector()
    events = make_events(50)

    for _ in range(3):
        await gateway_side.publish_batch(batch_of(events))
    await eventually(lambda: settled(other_program))

    assert await stored_ids(look) == sorted(map(event_id, events))
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 60") == 50
    stats = await collector.get("/stats")
    assert (stats["stored"], stats["duplicates"]) == (50, 100)


async def test_what_another_program_publishes_wrongly_becomes_dead_letters_and_its_neighbours_are_stored(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    await start_collector()
    good = make_events(8)
    no_name = changed(good[0], eventId="fb-bad-1", data__user__name=17)
    null = changed(good[0], eventId="fb-bad-2").replace(b'"fb-bad-2"', b'"fb-bad-2\\u0000"')
    tomorrow = changed(good[0], eventId="fb-bad-3", timestamp="2999-01-01T00:00:00Z")
    unknown = b'{ "anything" : [1, 2] }'
    jetstream = other_program.jetstream()

    await gateway_side.publish_batch(batch_of([good[0], no_name, *good[1:3]], "from-a"))
    await gateway_side.publish_batch(batch_of([null, good[3]], "from-b"))
    await gateway_side.publish_batch(batch_of([good[4], tomorrow], "from-c"))
    await gateway_side.publish_batch(batch_of([unknown, good[0]], "from-d", format="facebook.event.v9"))
    await gateway_side.publish_batch(batch_of(good[5:], "from-e"))
    await jetstream.publish("events.facebook", b"\x00\xff no JSON at all")
    await jetstream.publish("events.facebook", b"[1, 2", headers=batch_of([]).headers())
    await eventually(lambda: settled(other_program))

    assert await stored_ids(look) == sorted(map(event_id, good))
    letters = {letter.raw: letter for letter in await dead_letters(other_program)}
    assert len(letters) == 7
    expected = {
        no_name: (Reason.SCHEMA_VIOLATION, "$.data.user.name", "from-a", FORMAT),
        null: (Reason.UNSTORABLE_TEXT, "$", "from-b", FORMAT),
        tomorrow: (Reason.TIMESTAMP_OUT_OF_RANGE, "$.timestamp", "from-c", FORMAT),
        unknown: (Reason.UNSUPPORTED_FORMAT, "$", "from-d", "facebook.event.v9"),
        good[0]: (Reason.UNSUPPORTED_FORMAT, "$", "from-d", "facebook.event.v9"),
        b"\x00\xff no JSON at all": (Reason.MALFORMED_JSON, "$", "", ""),
        b"[1, 2": (Reason.MALFORMED_JSON, "$", "", ""),
    }
    assert {raw: told(letter) for raw, letter in letters.items()} == expected
    for letter in letters.values():
        assert (letter.source, letter.stage, letter.replays) == ("facebook", "facebook-collector", 0)


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (rb'{"eventId":"fb-bad-\ud800"}', Reason.UNSTORABLE_TEXT),
        (b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", Reason.MALFORMED_JSON),
    ],
    ids=["lone surrogate", "nested too deeply"],
)
async def test_an_event_that_spoils_the_whole_text_of_its_batch_does_not_harm_its_neighbours(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
    spoiled: bytes,
    reason: Reason,
) -> None:
    await start_collector()
    good = make_events(2)
    await gateway_side.publish_batch(batch_of([good[0], spoiled, good[1]], "from-a"))
    await eventually(lambda: settled(other_program))

    assert await stored_ids(look) == sorted(map(event_id, good))
    [letter] = await dead_letters(other_program)
    assert told(letter) == (reason, "$", "from-a", FORMAT)
    assert letter.raw == spoiled


async def test_a_message_whose_headers_make_no_sense_stops_nobody(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    collector = await start_collector()
    [event] = make_events(1)
    for name, value in {
        "Sluice-Received-At": "0001-01-01T00:00:00+14:00",  # no such moment in UTC
        "Sluice-Correlation": "request-1*many",
    }.items():
        headers = {**batch_of([event]).headers(), name: value}
        await gateway_side.publish("events.facebook", b"[%b]" % event, headers)
    await gateway_side.publish_batch(batch_of([event]))

    await eventually(lambda: settled(other_program))

    assert await stored_ids(look) == [event_id(event)]
    assert {letter.rejection.reason for letter in await dead_letters(other_program)} == {
        Reason.MALFORMED_JSON
    }
    assert not collector.task.done()


async def test_a_message_too_large_for_a_dead_letter_is_kept_in_part_and_blocks_nobody(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    await start_collector()
    [event] = make_events(1)
    # As base64, and with what is told about it, it would be larger than a message may be.
    await other_program.jetstream().publish("events.facebook", b"x" * 7_000_000)
    await gateway_side.publish_batch(batch_of([event, b'{"text":"' + b"y" * 7_000_000 + b'"}']))

    await eventually(lambda: settled(other_program))

    assert await stored_ids(look) == [event_id(event)]
    letters = await dead_letters(other_program)
    assert [letter.raw[:1] for letter in letters] == [b"x", b"{"]
    assert all(len(letter.raw) >= 200_000 for letter in letters)


async def test_an_event_that_postgres_refuses_is_found_between_its_neighbours(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    events = make_events(1200)
    purchase = next(raw for raw in events if b'"checkout.complete"' in raw)
    # Valid by the schema, but too large for an index of Postgres; random, because it compresses what it can.
    long_id = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=10_000))
    poison = changed(purchase, eventId="fb-poison", data__engagement__campaignId=long_id)
    for at in range(0, 1200, 300):  # merged into one transaction, because they wait for the collector
        middle = [poison] if at == 600 else []
        await gateway_side.publish_batch(
            batch_of([*events[at : at + 150], *middle, *events[at + 150 : at + 300]], f"request-{at}")
        )

    collector = await start_collector()
    await eventually(lambda: settled(other_program), within_seconds=20)

    assert await stored_ids(look) == sorted(map(event_id, events))
    [letter] = await dead_letters(other_program)
    assert told(letter) == (Reason.STORAGE_REJECTED, "$", "request-600", FORMAT)
    assert letter.raw == poison
    assert "54000" in letter.rejection.detail
    assert (await collector.get("/stats"))["dead_lettered"] == 1


async def test_lag_and_progress_tell_what_waits(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    collector = await start_collector()
    events = make_events(200)
    await gateway_side.publish_batch(batch_of(events[:100]))
    await eventually(lambda: settled(other_program))

    async def up_to_date() -> datetime:
        lag = await collector.get("/lag")
        assert (lag["batches"], lag["events"], lag["seconds"]) == (0, 0, 0)
        row = await look.fetchrow("SELECT * FROM collector_progress")
        assert row is not None
        assert row["complete_through"] == row["observed_at"]
        return row["observed_at"]

    await eventually(up_to_date)
    async with look.transaction():
        await look.execute("LOCK TABLE event_ledger IN ACCESS EXCLUSIVE MODE")
        before = datetime.now(UTC)
        await gateway_side.publish_batch(batch_of(events[100:]))
        published_by = datetime.now(UTC)

        async def behind() -> None:
            lag = await collector.get("/lag")
            assert (lag["consumer"], lag["batches"], lag["events"]) == ("facebook-collector", 1, 100)
            assert lag["seconds"] > 0.2
            row = await look.fetchrow("SELECT * FROM collector_progress")
            assert row is not None
            assert before <= row["complete_through"] <= published_by, "no later than the oldest that waits"
            assert row["observed_at"] > published_by

        await eventually(behind)
    await eventually(lambda: settled(other_program))
    await eventually(up_to_date)


async def test_the_time_to_catch_up_is_unknown_while_the_backlog_grows_and_nothing_when_it_is_gone(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    collector = await start_collector()
    events = make_events(200)
    await gateway_side.publish_batch(batch_of(events[:1]))
    await eventually(lambda: settled(other_program))
    async with look.transaction():
        await look.execute("LOCK TABLE event_ledger IN ACCESS EXCLUSIVE MODE")

        async def grows() -> None:
            await gateway_side.publish_batch(batch_of([events.pop()]))
            lag = await collector.get("/lag")
            assert lag["batches"] > 1
            assert lag["bytes"] > 0
            assert lag["batches_arriving_per_second"] is not None
            assert lag["batches_arriving_per_second"] > lag["batches_draining_per_second"]
            assert lag["seconds_to_catch_up"] is None
            assert lag["unacknowledged"] > 0
            assert math.isnan(await gauge(collector, "consumer_catch_up_seconds"))
            assert await gauge(collector, "consumer_lag_seconds") > 0
            await asyncio.sleep(0.1)

        await eventually(grows)
    await eventually(lambda: settled(other_program))

    async def is_gone() -> None:
        lag = await collector.get("/lag")
        assert (lag["batches"], lag["bytes"], lag["seconds_to_catch_up"]) == (0, 0, 0)
        assert await gauge(collector, "consumer_catch_up_seconds") == 0

    await eventually(is_gone)


async def test_metrics_tell_how_full_the_streams_are(
    start_collector: StartCollector, gateway_side: StreamPublisher
) -> None:
    collector = await start_collector()

    async def shown() -> None:
        text = (await collector.client.get("/metrics")).text
        assert 'stream_max_bytes{stream="EVENTS"}' in text
        assert 'stream_messages{stream="DEAD_LETTERS"} 0.0' in text
        assert 'stream_bytes{stream="EVENTS"}' in text

    await eventually(shown)


async def gauge(collector: Collector, name: str) -> float:
    text = (await collector.client.get("/metrics")).text
    found = re.search(rf'^{name}{{source="facebook"}} (\S+)$', text, re.MULTILINE)
    assert found, f"{name} is not among the metrics"
    return float(found[1])


async def settled(other_program: Client) -> None:
    assert await waiting(other_program) == 0


def told(letter: DeadLetter) -> tuple[Reason, str, str, str]:
    return letter.rejection.reason, letter.rejection.path, letter.correlation_id, letter.format
