"""Everything is killed once while events come in; afterwards every event that was accepted is stored exactly once."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.local import database
from ops.local.servers import RunningServer
from ops.local.waiting import wait_until
from tests.processes import Services, connections
from tests.streams import delete_streams

pytestmark = pytest.mark.exhaustive


@pytest.fixture
def services(tmp_path: Path, nats_server: RunningServer, database_url: str) -> Iterator[Services]:
    asyncio.run(delete_streams(nats_server))
    with Services(tmp_path, connections(nats_server, database_url=database_url)) as services:
        yield services


@pytest.mark.slow
def test_no_crash_of_any_process_loses_or_doubles_an_event(
    services: Services, nats_server: RunningServer, postgres_server: RunningServer, database_url: str
) -> None:
    gateway = services.gateway(ready=False)
    facebook = services.collector("facebook", ready=False)
    tiktok = services.collector("tiktok", ready=False)
    reporter = services.reporter(ready=False)
    for process in (gateway, facebook, tiktok, reporter):
        process.wait_ready()
    publisher = services.publisher(
        gateway,
        reporter,
        *("--verify", "--json", "--seed", "11", "--rate", "2000", "--batch-size", "100"),
        *("--malformed-ratio", "0.05", "--duplicate-ratio", "0.02", "--verify-timeout", "60"),
    )

    for victim in (gateway, facebook, nats_server, tiktok, postgres_server):
        assert publisher.exit_status is None, publisher.tail()
        wait_for_more_rows(database_url)
        victim.kill()
        victim.start()
    wait_for_more_rows(database_url)
    for process in (gateway, facebook, tiktok, reporter):
        process.wait_ready()

    publisher.terminate()  # ends the sending; what was sent is verified
    status = publisher.wait(80)

    assert status == 0, publisher.tail()
    rows = database.statement(
        database_url, "SELECT count(*) = count(DISTINCT (source, event_id)), count(*) > 0 FROM events"
    )
    assert rows == "t|t"


def wait_for_more_rows(database_url: str) -> None:
    """Until events of both sources were stored since this was called."""

    def counted() -> dict[str, int]:
        text = database.statement(
            database_url,
            "SELECT source, sum(events) FROM event_rollups WHERE bucket_seconds = 86400 GROUP BY source",
        )
        return {
            source: int(count) for source, _, count in (line.partition("|") for line in text.splitlines())
        }

    before = patiently(counted)

    def problem() -> str | None:
        now = patiently(counted)
        grew = all(now.get(source, 0) > before.get(source, 0) for source in ("facebook", "tiktok"))
        return None if grew else f"{now}, before {before}"

    wait_until("new events in the database", problem, 30)


def patiently(count: Callable[[], dict[str, int]]) -> dict[str, int]:
    """Right after a crash Postgres may still be starting up."""
    result: dict[str, int] = {}

    def problem() -> str | None:
        try:
            result.update(count())
        except database.DatabaseError as error:
            return str(error)
        return None

    wait_until("the database", problem, 20)
    return result
