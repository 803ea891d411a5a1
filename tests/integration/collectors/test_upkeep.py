"""The loops beside collecting: the collector looks after its tables without being asked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops.local import database
from ops.local.servers import RunningServer
from tests.processes import Services, connections, eventually


async def test_a_collector_removes_what_is_older_than_retention_days(
    tmp_path: Path, nats_server: RunningServer, database_url: str
) -> None:
    today = datetime.now(UTC)
    for days in (1, 8):
        insert_event(database_url, today - timedelta(days=days))

    with Services(tmp_path, connections(nats_server, database_url=database_url)) as services:
        services.collector("facebook", RETENTION_DAYS="7", RETENTION_INTERVAL_SECONDS="0.1")

        async def only_the_young_one_is_left() -> None:
            assert stored_days(database_url) == [f"{today - timedelta(days=1):%Y-%m-%d}"]

        await eventually(only_the_young_one_is_left)


def insert_event(url: str, occurred_at: datetime) -> None:
    database.statement(
        url,
        "INSERT INTO events (occurred_at, received_at, source, event_id, funnel_stage, event_type, facets, payload) "
        f"VALUES ('{occurred_at.isoformat()}', now(), 'facebook', 'x', 'top', 'ad.view', '', '{{}}')",
    )


def stored_days(url: str) -> list[str]:
    return database.statement(url, "SELECT (occurred_at AT TIME ZONE 'UTC')::date FROM events").split()
