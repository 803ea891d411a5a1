"""Replayed events are stored, and stored once: however often they are replayed, and whatever ends in the middle."""

import json
import random
import time
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from collectors.registry import SOURCES
from pipeline.events.dead_letter import DeadLetter, new_dead_letter_id
from pipeline.events.reasons import Reason, Rejection
from pipeline.stream import DeadLetterFilter, Replayer, StreamPublisher
from tests.integration.collectors.facebook_events import changed, event_id, make_events
from tests.integration.dead_letters.conftest import Console, Desk, LaunchConsole
from tests.processes import Services, eventually

pytestmark = pytest.mark.exhaustive

EVERYTHING = DeadLetterFilter()
RECEIVED_AT = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)


def refused_once(raw: bytes) -> DeadLetter:
    """As if the format of the day had refused what the present one accepts."""
    return DeadLetter(
        id=new_dead_letter_id(),
        source="facebook",
        format="facebook.event.v1",
        rejection=Rejection(Reason.SCHEMA_VIOLATION, "$", "mapping failed: KeyError('country')"),
        raw=raw,
        correlation_id="request-17",
        stage="facebook-collector",
        received_at=RECEIVED_AT,
        failed_at=RECEIVED_AT + timedelta(seconds=1),
    )


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_ten_thousand_listed_by_reason_replayed_with_a_progress_bar_and_stored_once(
    services: Services,
    http: httpx.AsyncClient,
    desk: Desk,
    database_url: str,
    console: Console,
    console_at_a_terminal: Console,
) -> None:
    collector = services.collector("facebook", DATABASE_URL=database_url)
    events = make_events(10_000)
    await desk.keeper.keep(map(refused_once, events))

    began = time.monotonic()
    counts = await desk.archive.counts(EVERYTHING)
    assert time.monotonic() - began < 1
    assert [(count.source, count.reason, count.letters) for count in counts] == [
        ("facebook", "schema_violation", 10_000)
    ]
    listed = json.loads(console("list", "--json").out)
    assert listed["total"] == 10_000

    said = console_at_a_terminal("replay", "--reason", "schema_violation", answer="y\n")
    assert said.status == 0
    assert "Replay 10,000 dead letters?" in said.out
    assert "10000/10000" in said.out, "the progress bar's end"
    assert "10,000 replayed" in said.out

    look = await asyncpg.connect(database_url)
    try:

        async def all_are_stored() -> None:
            assert await look.fetchval("SELECT count(*) FROM events") == 10_000

        await eventually(all_are_stored, within_seconds=60)
        assert await look.fetchval("SELECT count(DISTINCT event_id) FROM events") == 10_000
        assert await look.fetchval("SELECT DISTINCT received_at FROM events") == RECEIVED_AT
        assert await desk.archive.counts(EVERYTHING) == []

        assert "No dead letters match" in console("replay", "--yes").err

        # The same events again, as after a restored backup of the dead letters.
        await desk.keeper.keep(map(refused_once, events))
        again = json.loads(console("replay", "--yes", "--json").out)
        assert (again["replayed"], again["rejected"]) == (10_000, {})

        async def all_were_known() -> None:
            stats = (await http.get(f"{collector.url}/stats")).json()
            assert (stats["stored"], stats["duplicates"]) == (10_000, 10_000)

        await eventually(all_were_known, within_seconds=60)
        assert await look.fetchval("SELECT count(*) FROM events") == 10_000
    finally:
        await look.close()


async def test_killed_between_publishing_and_settling_the_next_replay_stores_nothing_new(
    services: Services, http: httpx.AsyncClient, desk: Desk, database_url: str
) -> None:
    collector = services.collector("facebook", DATABASE_URL=database_url)
    await desk.keeper.keep(map(refused_once, make_events(1_500)))

    class Killed(BaseException):
        pass

    class Mortal(Replayer):
        async def _settle(self, messages: object, judged: object) -> None:
            raise Killed

    async def replay(kind: type[Replayer]) -> int:
        replayer = kind(desk.archive, StreamPublisher(desk.connection), SOURCES, 256 * 1024)
        async with aclosing(replayer.replay(EVERYTHING)) as tallies:
            return max([tally.replayed async for tally in tallies], default=0)

    with pytest.raises(Killed):
        await replay(Mortal)

    async def stored(number: int, duplicates: int) -> None:
        stats = (await http.get(f"{collector.url}/stats")).json()
        assert (stats["stored"], stats["duplicates"]) == (number, duplicates)

    await eventually(lambda: stored(1_500, 0), within_seconds=30)
    assert sum(count.letters for count in await desk.archive.counts(EVERYTHING)) == 1_500

    assert await replay(Replayer) == 1_500
    await eventually(lambda: stored(1_500, 1_500), within_seconds=30)
    assert await desk.archive.counts(EVERYTHING) == []
    look = await asyncpg.connect(database_url)
    assert await look.fetchval("SELECT count(*) FROM events") == 1_500
    await look.close()


async def test_what_the_collector_refuses_again_comes_back_with_one_replay_more(
    services: Services, http: httpx.AsyncClient, desk: Desk, database_url: str, console: Console
) -> None:
    gateway = services.gateway()
    services.collector("facebook", DATABASE_URL=database_url)
    purchase = next(raw for raw in make_events(300) if b'"checkout.complete"' in raw)
    # Valid by the schema, but too large for an index of Postgres; random, because it compresses what it can.
    long_id = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=10_000))
    poison = changed(purchase, eventId="fb-poison", data__engagement__campaignId=long_id)
    answer = await http.post(
        f"{gateway.url}/events",
        content=poison,
        headers={"content-type": "application/json", "x-correlation-id": "r7"},
    )
    assert answer.status_code == 202

    async def kept(replays: int) -> DeadLetter:
        letters = await desk.archive.newest(EVERYTHING, 10)
        assert [(letter.replays, letter.rejection.reason) for letter in letters] == [
            (replays, Reason.STORAGE_REJECTED)
        ]
        return letters[0]

    first = await eventually(lambda: kept(0), within_seconds=20)
    for replays in (1, 2):
        assert json.loads(console("replay", "--yes", "--json").out)["replayed"] == 1
        again = await eventually(lambda replays=replays: kept(replays), within_seconds=20)
        assert (again.raw, again.received_at, again.correlation_id) == (poison, first.received_at, "r7")
        assert event_id(again.raw) == "fb-poison"


@pytest.mark.slow
async def test_a_console_that_is_killed_in_the_middle_costs_nothing(
    services: Services,
    http: httpx.AsyncClient,
    desk: Desk,
    database_url: str,
    console: Console,
    launch_console: LaunchConsole,
) -> None:
    """SIGKILL as soon as the first events are published: what was settled and what was not add up."""
    collector = services.collector("facebook", DATABASE_URL=database_url)
    await desk.keeper.keep(map(refused_once, make_events(6_000)))
    process = launch_console("replay", "--yes")

    async def begun() -> None:
        stats = (await http.get(f"{collector.url}/stats")).json()
        assert stats["delivered"] > 0

    await eventually(begun, within_seconds=30)
    process.kill()
    process.wait()
    assert console("replay", "--yes").status == 0

    look = await asyncpg.connect(database_url)

    async def all_are_stored() -> None:
        assert await look.fetchval("SELECT count(*) FROM events") == 6_000

    await eventually(all_are_stored, within_seconds=60)
    assert await desk.archive.counts(EVERYTHING) == []
    assert await look.fetchval("SELECT count(DISTINCT event_id) FROM events") == 6_000
    await look.close()
