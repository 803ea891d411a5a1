"""What breaks around a collector: it waits for as long as it takes, and nothing is lost, doubled or given up."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.stream import StreamPublisher
from tests.integration.collectors.conftest import StartCollector
from tests.integration.collectors.facebook_events import (
    batch_of,
    dead_letters,
    event_id,
    make_events,
    stored_ids,
    waiting,
)
from tests.processes import Services, connections, eventually, pause

pytestmark = pytest.mark.exhaustive


@pytest.fixture
def services(tmp_path: Path, nats_server: RunningServer, database_url: str) -> Iterator[Services]:
    with Services(tmp_path, connections(nats_server, database_url=database_url)) as services:
        yield services


@pytest.mark.parametrize("away", ["killed", "stopped"])
async def test_while_postgres_is_away_batches_wait_and_are_stored_afterwards(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    postgres_server: RunningServer,
    database_url: str,
    away: str,
) -> None:
    collector = await start_collector(ack_wait_seconds=3.0)
    events = make_events(400)
    await gateway_side.publish_batch(batch_of(events[:100]))
    await eventually(lambda: settled(other_program))

    pause(postgres_server) if away == "stopped" else postgres_server.kill()
    try:
        for at in (100, 200, 300):
            await gateway_side.publish_batch(batch_of(events[at : at + 100]))

        async def retried() -> None:
            assert (await collector.get("/stats"))["retries"] >= 1

        await eventually(retried, within_seconds=20)
        await asyncio.sleep(4)  # longer than the deadline of an acknowledgement
        assert await waiting(other_program) == 3
        assert (await collector.client.get("/health/ready")).status_code == 503
        info = await other_program.jetstream().consumer_info("EVENTS", "facebook-collector")
        assert info.num_redelivered == 0, "what is retried is kept alive, not delivered again"
    finally:
        postgres_server.resume() if away == "stopped" else postgres_server.start()

    await eventually(lambda: settled(other_program), within_seconds=30)
    look = await asyncpg.connect(database_url)
    assert await stored_ids(look) == sorted(map(event_id, events))
    await look.close()
    assert await dead_letters(other_program) == []
    assert not collector.task.done()


async def test_a_crash_between_commit_and_acknowledgement_doubles_nothing(
    services: Services,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    events = make_events(300)
    crashing = services.collector("facebook", ACK_WAIT_SECONDS="2")
    async with look.transaction():
        await look.execute("LOCK TABLE event_ledger IN ACCESS EXCLUSIVE MODE")
        await gateway_side.publish_batch(batch_of(events))
        await eventually(lambda: waits_for_a_lock(look))
        crashing.pause()  # its query engine goes on and commits, but it will never hear of that
    await eventually(lambda: are_stored(look, 300))
    crashing.kill()
    assert await waiting(other_program) == 1, "it was not acknowledged"

    survivor = services.collector("facebook", ACK_WAIT_SECONDS="2")
    await eventually(lambda: settled(other_program), within_seconds=20)

    assert await stored_ids(look) == sorted(map(event_id, events))
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 3600") == 300
    assert await look.fetchval("SELECT sum(events) FROM audience_segments") == 300
    survivor.terminate()
    assert survivor.wait() == 0


async def test_a_crash_in_the_middle_of_a_transaction_loses_nothing(
    services: Services,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
) -> None:
    events = make_events(300)
    crashing = services.collector("facebook", ACK_WAIT_SECONDS="2")
    async with look.transaction():
        await look.execute("LOCK TABLE event_rollups IN ACCESS EXCLUSIVE MODE")
        await gateway_side.publish_batch(batch_of(events))
        await eventually(lambda: waits_for_a_lock(look))
        crashing.kill()

    services.collector("facebook", ACK_WAIT_SECONDS="2")
    await eventually(lambda: settled(other_program), within_seconds=20)

    assert await stored_ids(look) == sorted(map(event_id, events))
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 60") == 300


async def test_a_collector_that_is_asked_to_stop_gives_back_what_it_holds(
    start_collector: StartCollector,
    gateway_side: StreamPublisher,
    other_program: Client,
    look: asyncpg.Connection,
    database_url: str,
) -> None:
    events = make_events(500)
    stopping = await start_collector(ack_wait_seconds=60.0, merge_max_events=1)
    blocker = await asyncpg.connect(database_url)
    await blocker.execute("BEGIN; LOCK TABLE event_ledger IN ACCESS EXCLUSIVE MODE")
    for at in range(0, 500, 100):
        await gateway_side.publish_batch(batch_of(events[at : at + 100]))
    await eventually(lambda: waits_for_a_lock(look))
    ending = asyncio.create_task(stopping.end())
    await asyncio.sleep(0)
    await blocker.close()  # the write that was under way may finish
    assert await ending

    await start_collector(ack_wait_seconds=60.0)
    await eventually(lambda: settled(other_program), within_seconds=5)

    assert await stored_ids(look) == sorted(map(event_id, events))


async def test_a_process_starts_without_its_servers_and_becomes_ready_when_they_come(
    services: Services, postgres_server: RunningServer, nats_server: RunningServer
) -> None:
    postgres_server.kill()
    nats_server.kill()
    try:
        collector = services.collector("facebook", ready=False, DATABASE_CONNECT_TIMEOUT_SECONDS="1")
        collector.wait_alive()
    finally:
        nats_server.start()
        postgres_server.start()
    collector.wait_ready()


async def settled(other_program: Client) -> None:
    assert await waiting(other_program) == 0


async def are_stored(look: asyncpg.Connection, count: int) -> None:
    assert await look.fetchval("SELECT count(*) FROM events") == count


async def waits_for_a_lock(look: asyncpg.Connection) -> None:
    assert await look.fetchval(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = ANY($1::regclass[])",
        ["event_ledger", "event_rollups"],
    )
