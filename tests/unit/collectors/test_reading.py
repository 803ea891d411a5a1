"""From deliveries to a merged batch: what is good becomes a record, what is not becomes a dead letter."""

import asyncio
from datetime import datetime

import msgspec
import pytest

from collectors._runtime.reading import MergedBatch
from collectors.registry import SOURCES
from pipeline.events.batch import FORMAT_HEADER
from pipeline.events.reasons import Reason
from pipeline.events.record import EventRecord
from pipeline.events.source import Format, Source
from tests.unit.builders import NOW, as_json, changed, facebook_events, good_event, record_batch
from tests.unit.collectors.fakes import Runtime, until


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


def ids_of(merged: MergedBatch) -> list[str]:
    return [candidate.record.event_id for candidate in merged.candidates]


async def test_a_delivery_becomes_its_records_in_order(runtime: Runtime) -> None:
    delivery = runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    merged = await runtime.reader.read(1_000, None)
    assert merged.deliveries == [delivery]
    assert ids_of(merged) == ["fb-0", "fb-1", "fb-2"]
    assert all(candidate.record.received_at == NOW for candidate in merged.candidates)
    assert bytes(merged.candidates[1].record.payload) == as_json(facebook_events(2)[1])
    assert (merged.dead_letters, merged.events) == ([], 3)


async def test_what_is_already_here_is_merged_without_waiting_for_more(runtime: Runtime) -> None:
    for prefix in ("a", "b", "c"):
        runtime.consumer.deliver(record_batch([*facebook_events(2, prefix)]))
    merged = await runtime.reader.read(1_000, None)
    assert ids_of(merged) == ["a-0", "a-1", "b-0", "b-1", "c-0", "c-1"]
    assert len(merged.deliveries) == 3


async def test_it_waits_for_the_first_delivery(runtime: Runtime) -> None:
    reading = asyncio.create_task(runtime.reader.read(1_000, None))
    await asyncio.sleep(0)
    assert not reading.done()
    runtime.consumer.deliver(record_batch([*facebook_events(1)]))
    assert ids_of(await reading) == ["fb-0"]


async def test_a_batch_grows_while_the_writer_is_busy(runtime: Runtime) -> None:
    finished = asyncio.Event()
    busy = asyncio.create_task(waits_for(finished))
    reading = asyncio.create_task(runtime.reader.read(1_000, busy))
    for prefix in ("a", "b", "c"):
        runtime.consumer.deliver(record_batch([*facebook_events(1, prefix)]))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not reading.done()
    finished.set()
    assert ids_of(await reading) == ["a-0", "b-0", "c-0"]


async def waits_for(event: asyncio.Event) -> None:
    await event.wait()


async def test_what_comes_when_the_writer_is_done_is_for_the_next_batch(runtime: Runtime) -> None:
    finished = asyncio.Event()
    busy = asyncio.create_task(waits_for(finished))
    reading = asyncio.create_task(runtime.reader.read(1_000, busy))
    runtime.consumer.deliver(record_batch([*facebook_events(1, "a")]))
    for _ in range(10):
        await asyncio.sleep(0)
    # Both in the same turn: whichever batch it goes to, it must not get lost between them.
    finished.set()
    runtime.consumer.deliver(record_batch([*facebook_events(1, "b")]))
    first = ids_of(await reading)
    runtime.consumer.deliver(record_batch([*facebook_events(1, "c")]))
    assert first + ids_of(await runtime.reader.read(1_000, None)) == ["a-0", "b-0", "c-0"]


async def test_a_batch_grows_to_about_its_limit(runtime: Runtime) -> None:
    for prefix in ("a", "b", "c"):
        runtime.consumer.deliver(record_batch([*facebook_events(40, prefix)]))
    busy = asyncio.create_task(waits_for(asyncio.Event()))
    assert len(ids_of(await runtime.reader.read(70, busy))) == 80
    assert len(ids_of(await runtime.reader.read(1, busy))) == 40
    busy.cancel()


async def test_bad_events_are_dead_lettered_and_their_neighbours_are_not(runtime: Runtime) -> None:
    bad = {
        "schema": as_json(changed(good_event(eventId="bad"), "$.data.user.age", 151)),
        "future": as_json(good_event(eventId="bad", timestamp="2999-01-01T00:00:00Z")),
        "null": as_json(good_event(eventId="bad", unknown="@@")).replace(b"@@", rb"\u0000"),
        "surrogate": as_json(good_event(eventId="bad", unknown="@@")).replace(b"@@", rb"\ud83d"),
        "foreign": as_json(good_event("tiktok", eventId="bad")),
    }
    good = facebook_events(2)
    runtime.consumer.deliver(record_batch([good[0], *bad.values(), good[1]]))
    merged = await runtime.reader.read(1_000, None)
    assert ids_of(merged) == ["fb-0", "fb-1"]
    assert {letter.raw: letter.rejection.reason for letter in merged.dead_letters} == {
        bad["schema"]: Reason.SCHEMA_VIOLATION,
        bad["future"]: Reason.TIMESTAMP_OUT_OF_RANGE,
        bad["null"]: Reason.UNSTORABLE_TEXT,
        bad["surrogate"]: Reason.UNSTORABLE_TEXT,
        bad["foreign"]: Reason.SCHEMA_VIOLATION,
    }


async def test_a_dead_letter_tells_where_the_event_came_from_and_where_it_failed(runtime: Runtime) -> None:
    raw = as_json(changed(good_event(), "$.data.user.age", 151))
    runtime.consumer.deliver(record_batch([raw], correlation="request-17"))
    (letter,) = (await runtime.reader.read(1_000, None)).dead_letters
    assert (letter.source, letter.format, letter.stage) == (
        "facebook",
        "facebook.event.v1",
        "facebook-collector",
    )
    assert (letter.raw, letter.correlation_id, letter.received_at) == (raw, "request-17", NOW)
    assert letter.rejection.path == "$.data.user.age"
    assert letter.failed_at > NOW


async def test_what_is_refused_after_a_replay_tells_how_often_and_how_long_ago_counts_for_nothing(
    runtime: Runtime,
) -> None:
    bad = as_json(changed(good_event(), "$.data.user.age", 151))
    runtime.consumer.deliver(msgspec.structs.replace(record_batch([bad, good_event()]), replays=2))
    merged = await runtime.reader.read(1_000, None)
    (letter,) = merged.dead_letters
    assert (letter.replays, letter.received_at) == (2, NOW)
    assert len(merged.candidates) == 1
    assert merged.received_at == []


async def test_each_event_keeps_the_correlation_id_of_its_own_request(runtime: Runtime) -> None:
    bad = as_json(changed(good_event(), "$.data.user.age", 151))
    batch = msgspec.structs.replace(
        record_batch([bad, good_event(), bad]), correlation=[("request-1", 1), ("request-2", 2)]
    )
    runtime.consumer.deliver(batch)
    letters = (await runtime.reader.read(1_000, None)).dead_letters
    assert [letter.correlation_id for letter in letters] == ["request-1", "request-2"]


async def test_a_batch_of_an_unknown_format_is_kept_event_by_event(runtime: Runtime) -> None:
    runtime.consumer.deliver(record_batch([*facebook_events(2)], format_name="facebook.event.v99"))
    runtime.consumer.deliver(record_batch([good_event(eventId="good")]))
    merged = await runtime.reader.read(1_000, None)
    assert ids_of(merged) == ["good"]
    assert [letter.rejection.reason for letter in merged.dead_letters] == [Reason.UNSUPPORTED_FORMAT] * 2
    assert [letter.raw for letter in merged.dead_letters] == [as_json(event) for event in facebook_events(2)]
    assert "facebook.event.v99" in merged.dead_letters[0].rejection.detail


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        (b"hello", {}),
        (b"[{}]", {}),
        (b"not JSON", {FORMAT_HEADER: "facebook.event.v1", "Sluice-Received-At": NOW.isoformat()}),
        (b"[]", {FORMAT_HEADER: "facebook.event.v1", "Sluice-Received-At": "9999-12-31T23:59:59-14:00"}),
        (b"", {"Status": "odd"}),
    ],
)
async def test_a_message_that_is_no_batch_is_kept_whole(
    runtime: Runtime, payload: bytes, headers: dict[str, str]
) -> None:
    stray = runtime.consumer.deliver_message(payload, headers)
    ordinary = runtime.consumer.deliver(record_batch([*facebook_events(1)]))
    merged = await runtime.reader.read(1_000, None)
    (letter,) = merged.dead_letters
    assert (letter.raw, letter.rejection.reason) == (payload, Reason.MALFORMED_JSON)
    assert "not a record batch" in letter.rejection.detail
    assert ids_of(merged) == ["fb-0"]
    assert merged.deliveries == [stray, ordinary]


async def test_a_mapping_that_fails_harms_only_its_own_event() -> None:
    facebook = SOURCES["facebook"]
    real = facebook.formats[facebook.event_format or ""]

    def fails_for_one(event: object, raw: msgspec.Raw, received_at: datetime) -> EventRecord:
        record = real.to_record(event, raw, received_at)
        if record.event_id == "fb-1":
            raise ZeroDivisionError("a defect of the mapping")
        return record

    broken = Format(real.name, real.decode, fails_for_one)
    source = Source(
        "facebook", facebook.event_types, facebook.facets, {broken.name: broken}, facebook.event_format
    )
    runtime = Runtime(source)
    runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    await runtime.write_what_is_here()
    assert list(runtime.store.stored) == ["fb-0", "fb-2"]
    (letter,) = runtime.dead_letters.letters
    assert letter.raw == as_json(facebook_events(2)[1])
    assert "a defect of the mapping" in letter.rejection.detail
    assert runtime.journal[-1] == "acked 0"


async def test_an_empty_batch_is_acknowledged_and_nothing_is_written(runtime: Runtime) -> None:
    runtime.consumer.deliver(record_batch([]))
    await runtime.write_what_is_here()
    assert runtime.journal == ["acked 0"]
    assert runtime.store.writes == []


async def test_what_is_delivered_is_counted(runtime: Runtime) -> None:
    runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    runtime.consumer.deliver_message(b"hello", {})
    reading = asyncio.create_task(runtime.reader.read(1_000, None))
    await until(reading.done)
    assert runtime.counted("events_accepted_total") == 4
    assert runtime.telemetry.statistics.delivered == 4


async def test_what_is_not_delivered_for_the_first_time_is_counted(runtime: Runtime) -> None:
    assert runtime.counted("batches_redelivered_total") == 0
    runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    runtime.consumer.deliver(record_batch([*facebook_events(3)])).redelivered = True
    await runtime.reader.read(1_000, None)
    assert runtime.counted("batches_redelivered_total") == 1
