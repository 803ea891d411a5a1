"""A source that falls silent, and one whose events end as dead letters."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.events.dead_letter import DeadLetter
from pipeline.store import EventStore
from pipeline.store.progress import report_progress
from pipeline.stream import DEAD_LETTER_WINDOW, DeadLetters, StreamConnection, StreamPublisher
from tests.integration.alerts.conftest import MINUTE, System
from tests.integration.store.records import record
from tests.unit.letters import letter

NOW = datetime.now(UTC).replace(second=30, microsecond=0)
"""Progress of the future would not be believed, and dead letters fail now."""


@pytest.fixture
def facebook(system: System) -> EventStore:
    return EventStore(system.database, "facebook")


async def sends(system: System, store: EventStore, begin: datetime, end: datetime, events: int = 3) -> None:
    """So many events a minute, and the collector says that it has stored everything."""
    at = begin
    while at < end:
        await store.write([record(occurred_at=at) for _ in range(events)])
        at += MINUTE
    await report_progress(system.database, "facebook", end, end)


async def test_a_source_that_stops_sending_raises_one_alert_until_it_sends_again(
    system: System, facebook: EventStore
) -> None:
    await sends(system, facebook, NOW - 100 * MINUTE, NOW - 30 * MINUTE)
    await system.look_at(NOW - 30 * MINUTE)
    assert await system.alerts("ABSENCE") == []

    for minutes in range(29, 15, -1):
        await report_progress(system.database, "facebook", NOW - minutes * MINUTE, NOW - minutes * MINUTE)
        await system.look_at(NOW - minutes * MINUTE)
    [alert] = await system.alerts("ABSENCE")
    assert (alert["subject"], alert["cleared_at"]) == ("facebook", None)

    await sends(system, facebook, NOW - 14 * MINUTE, NOW - 10 * MINUTE)
    system.restart()
    await system.look_at(NOW - 10 * MINUTE)

    [alert] = await system.alerts("ABSENCE")
    assert alert["cleared_at"] is not None
    assert await system.deliveries("ABSENCE") == [("opened", "ABSENCE"), ("cleared", "ABSENCE")]


async def test_a_source_that_never_sent_much_is_not_missed(system: System, facebook: EventStore) -> None:
    await facebook.write([record(occurred_at=NOW - 60 * MINUTE)])
    await report_progress(system.database, "facebook", NOW, NOW)

    await system.look_at(NOW)

    assert await system.alerts("ABSENCE") == []


async def test_a_collector_that_has_stopped_is_not_taken_for_a_silent_source(
    system: System, facebook: EventStore
) -> None:
    await sends(system, facebook, NOW - 100 * MINUTE, NOW - 30 * MINUTE)

    await system.look_at(NOW)

    assert await system.alerts("ABSENCE") == []


async def test_dead_letters_raise_an_alert_when_they_are_many_of_what_was_sent(
    system: System, facebook: EventStore, connection: StreamConnection
) -> None:
    dead_letters = DeadLetters(StreamPublisher(connection, DEAD_LETTER_WINDOW))
    now = datetime.now(UTC)
    await sends(system, facebook, now - 8 * MINUTE, now, events=100)
    await dead_letters.keep(failed_now(20))
    await system.look_at(now)
    assert await system.alerts("ERROR_RATE") == []

    await dead_letters.keep(failed_now(80))
    await system.look_at(now)
    await system.look_at(now)

    [alert] = await system.alerts("ERROR_RATE")
    assert (alert["subject"], alert["cleared_at"]) == ("facebook", None)

    await system.look_at(now + timedelta(minutes=12))

    [alert] = await system.alerts("ERROR_RATE")
    assert alert["cleared_at"] is not None


def failed_now(count: int) -> list[DeadLetter]:
    return [letter(source="facebook", failed_at=datetime.now(UTC)) for _ in range(count)]
