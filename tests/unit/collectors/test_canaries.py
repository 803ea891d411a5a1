"""A canary goes the way of events through a collector, and is counted nowhere."""

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import DataRejected, StoreUnavailable
from pipeline.events.batch import RecordBatch
from pipeline.events.canary import CANARY_FORMAT, Canary, encode_canary
from pipeline.events.reasons import Reason
from tests.unit.builders import facebook_events, record_batch
from tests.unit.collectors.fakes import Runtime


@pytest.fixture
def runtime() -> Runtime:
    return Runtime()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the pauses between attempts."""

    async def sleep(seconds: float) -> None:
        del seconds

    monkeypatch.setattr("collectors._runtime.writing.asyncio", SimpleNamespace(sleep=sleep))


def canaries(*numbers: int) -> RecordBatch:
    """A batch as the canary door publishes it."""
    elements: list[Any] = [bytes(encode_canary(Canary("0123456789abcdef", number))) for number in numbers]
    return record_batch(elements, format_name=CANARY_FORMAT, correlation="canary-0123456789abcdef-1")


def counted(runtime: Runtime) -> dict[str, float]:
    """Every figure that is not 0, and no times of creation."""
    return {
        sample.name: sample.value
        for metric in runtime.registry.collect()
        for sample in metric.samples
        if sample.value and not sample.name.endswith("_created")
    }


async def test_it_is_stored_and_acknowledged_and_nothing_is_counted(runtime: Runtime) -> None:
    before = counted(runtime)

    runtime.consumer.deliver(canaries(1))
    await runtime.write_what_is_here()

    assert runtime.journal == ["canary 1", "acked 0"]
    assert counted(runtime) == before
    statistics = runtime.telemetry.statistics
    assert (statistics.delivered, statistics.batches, statistics.stored, statistics.last_batch) == (
        *(0, 0, 0),
        None,
    )


async def test_it_comes_after_the_events_that_came_with_it_and_leaves_their_counts_alone(
    runtime: Runtime,
) -> None:
    runtime.consumer.deliver(canaries(1))
    runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    await runtime.write_what_is_here()

    assert runtime.journal == ["stored fb-0", "stored fb-1", "stored fb-2", "canary 1", "acked 0", "acked 1"]
    assert runtime.counted("events_accepted_total") == 3
    assert runtime.counted("events_processed_total") == 3
    assert runtime.registry.get_sample_value("event_end_to_end_seconds_count", {"source": "facebook"}) == 1


async def test_a_poison_event_beside_it_does_not_keep_it_from_coming_through(runtime: Runtime) -> None:
    runtime.store.poison = {"fb-1"}
    runtime.consumer.deliver(record_batch([*facebook_events(3)]))
    runtime.consumer.deliver(canaries(1, 2))
    await runtime.write_what_is_here()

    assert [letter.rejection.reason for letter in runtime.dead_letters.letters] == [Reason.STORAGE_REJECTED]
    assert runtime.journal[-4:] == ["canary 1", "canary 2", "acked 0", "acked 1"]


async def test_while_postgres_is_away_it_waits_and_no_event_counts_as_failed(runtime: Runtime) -> None:
    runtime.store.failures = [StoreUnavailable("away"), StoreUnavailable("away")]
    runtime.consumer.deliver(canaries(1))
    await runtime.write_what_is_here()

    assert runtime.journal == ["canary 1", "acked 0"]
    assert runtime.counted("events_failed_total", error_type="transient") == 0


async def test_one_that_postgres_refuses_stops_nothing(runtime: Runtime) -> None:
    runtime.store.failures = [DataRejected("22003", "out of range")]
    runtime.consumer.deliver(canaries(1))
    await runtime.write_what_is_here()

    assert runtime.journal == ["acked 0"]
    assert runtime.dead_letters.letters == []


@pytest.mark.parametrize(
    "element",
    [
        b"{}",
        b'{"sender":"x","number":1}',
        b'{"eventId":"fb-1"}',
        b'"canary"',
        b'{"sender":"0123456789abcdef"}',
    ],
)
async def test_what_another_program_published_as_a_canary_is_kept_like_any_bad_message(
    runtime: Runtime, element: bytes
) -> None:
    good = bytes(encode_canary(Canary("0123456789abcdef", 7)))
    runtime.consumer.deliver(record_batch([element, good], format_name=CANARY_FORMAT))
    await runtime.write_what_is_here()

    (letter,) = runtime.dead_letters.letters
    assert (letter.raw, letter.rejection.reason) == (element, Reason.SCHEMA_VIOLATION)
    assert "canary 7" in runtime.journal
