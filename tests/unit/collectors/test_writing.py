"""A merged batch is stored or dead-lettered to the last event, and only then acknowledged."""

from types import SimpleNamespace

import pytest

from pipeline.errors import DataRejected, StoreUnavailable, StreamUnavailable
from pipeline.events.reasons import Reason
from tests.unit.builders import as_json, changed, facebook_events, good_event, record_batch
from tests.unit.collectors.fakes import Runtime


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, in seconds. Nobody waits for them."""
    taken: list[float] = []

    async def sleep(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr("collectors._runtime.writing.asyncio", SimpleNamespace(sleep=sleep))
    return taken


BAD = as_json(changed(good_event(eventId="bad"), "$.data.user.age", 151))


async def test_acknowledged_only_when_events_and_dead_letters_are_safe(runtime: Runtime) -> None:
    runtime.consumer.deliver(record_batch([*facebook_events(2, "a"), BAD]))
    runtime.consumer.deliver(record_batch([*facebook_events(1, "b")]))
    await runtime.write_what_is_here()
    assert runtime.journal == ["stored a-0", "stored a-1", "stored b-0", "kept", "acked 0", "acked 1"]
    assert runtime.store.writes == [["a-0", "a-1", "b-0"]]


async def test_stored_and_duplicate_events_are_counted(runtime: Runtime) -> None:
    runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    await runtime.write_what_is_here()
    runtime.consumer.deliver(record_batch([*facebook_events(5), good_event(eventId="fb-4")]))
    await runtime.write_what_is_here()
    assert runtime.counted("events_processed_total") == 5
    assert runtime.counted("events_duplicate_total") == 4
    assert runtime.counted("event_processing_duration_seconds_count") == 2
    statistics = runtime.telemetry.statistics
    assert (statistics.stored, statistics.duplicates) == (5, 4)
    assert statistics.last_batch is not None
    assert (statistics.last_batch.stored, statistics.last_batch.duplicates) == (2, 4)


async def test_dead_letters_are_counted_by_reason(runtime: Runtime) -> None:
    runtime.consumer.deliver(record_batch([BAD, BAD, good_event()]))
    await runtime.write_what_is_here()
    assert runtime.counted("events_failed_total", error_type="schema_violation") == 2
    assert runtime.telemetry.statistics.dead_lettered == 2


@pytest.mark.parametrize(
    "poison",
    [
        {"fb-0"},
        {"fb-99"},
        {"fb-49", "fb-50"},
        {"fb-0", "fb-1", "fb-2", "fb-97", "fb-99"},
        {f"fb-{number}" for number in range(0, 100, 7)},
        {f"fb-{number}" for number in range(100)},
    ],
    ids=len,
)
async def test_every_poison_record_is_found_and_all_others_are_stored(
    runtime: Runtime, poison: set[str]
) -> None:
    events = facebook_events(100)
    runtime.store.poison = poison
    runtime.consumer.deliver(record_batch([*events[:60]]))
    runtime.consumer.deliver(record_batch([*events[60:]], correlation="request-2"))
    await runtime.write_what_is_here()

    assert list(runtime.store.stored) == [
        event["eventId"] for event in events if event["eventId"] not in poison
    ]
    letters = {letter.raw: letter for letter in runtime.dead_letters.letters}
    assert set(letters) == {as_json(event) for event in events if event["eventId"] in poison}
    for number, event in enumerate(events):
        if letter := letters.get(as_json(event)):
            assert letter.rejection.reason == Reason.STORAGE_REJECTED
            assert "22P05" in letter.rejection.detail
            assert letter.correlation_id == ("request-1" if number < 60 else "request-2")
    assert runtime.journal[-2:] == ["acked 0", "acked 1"]
    assert runtime.counted("events_processed_total") == 100 - len(poison)


async def test_one_poison_record_costs_few_attempts(runtime: Runtime) -> None:
    runtime.store.poison = {"fb-300"}
    runtime.consumer.deliver(record_batch([*facebook_events(512)]))
    await runtime.write_what_is_here()
    assert len(runtime.store.stored) == 511
    assert len(runtime.store.writes) == 2 * 9 + 1  # halved nine times, both halves tried


@pytest.mark.parametrize("failures", [1, 5, 200])
async def test_what_is_transient_is_tried_until_it_succeeds_and_never_dead_lettered(
    runtime: Runtime, failures: int
) -> None:
    runtime.store.failures = [StoreUnavailable("Postgres is away") for _ in range(failures)]
    runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    await runtime.write_what_is_here()
    assert runtime.store.writes == [["fb-0", "fb-1", "fb-2"]] * (failures + 1)
    assert runtime.dead_letters.letters == []
    assert runtime.journal[-1] == "acked 0"
    assert runtime.telemetry.statistics.retries == failures
    assert runtime.counted("events_failed_total", error_type="transient") == 3 * failures


async def test_pauses_grow_to_the_longest_one_with_jitter(runtime: Runtime, pauses: list[float]) -> None:
    runtime.store.failures = [StoreUnavailable("Postgres is away") for _ in range(8)]
    runtime.consumer.deliver(record_batch([*facebook_events(1)]))
    await runtime.write_what_is_here()
    for pause, longest in zip(pauses, [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0], strict=True):
        assert longest / 2 <= pause <= longest


async def test_an_outage_in_the_middle_of_the_search_for_poison_blames_nobody(runtime: Runtime) -> None:
    runtime.store.poison = {"fb-5"}
    refused = DataRejected("22P05", "unsupported Unicode escape sequence")
    away = StoreUnavailable("Postgres is away")
    runtime.store.failures = [refused, away, away, refused, away]
    runtime.consumer.deliver(record_batch([*facebook_events(8)]))
    await runtime.write_what_is_here()
    assert sorted(runtime.store.stored) == [f"fb-{number}" for number in range(8) if number != 5]
    assert [letter.raw for letter in runtime.dead_letters.letters] == [as_json(facebook_events(6)[5])]


async def test_dead_letters_that_cannot_be_kept_are_tried_again_before_the_acknowledgement(
    runtime: Runtime,
) -> None:
    runtime.dead_letters.failures = [StreamUnavailable("not connected to NATS")] * 3
    runtime.consumer.deliver(record_batch([good_event(), BAD]))
    await runtime.write_what_is_here()
    assert runtime.journal == ["stored fb-7f1c3e5a", "kept", "acked 0"]


async def test_an_acknowledgement_that_fails_is_tried_again(runtime: Runtime) -> None:
    delivery = runtime.consumer.deliver(record_batch([*facebook_events(1)]))
    delivery.failures = [StreamUnavailable("not connected to NATS")] * 3
    await runtime.write_what_is_here()
    assert runtime.journal == ["stored fb-0", "acked 0"]
    assert len(runtime.store.writes) == 1


async def test_a_defect_acknowledges_nothing(runtime: Runtime) -> None:
    runtime.store.failures = [RuntimeError("a defect of the store")]
    delivery = runtime.consumer.deliver(record_batch([*facebook_events(1)]))
    with pytest.raises(RuntimeError, match="a defect of the store"):
        await runtime.write_what_is_here()
    assert delivery.settled == ""
    assert runtime.dead_letters.letters == []
