"""`sluice doctor` against real servers: what is wrong is found, and nothing is changed by looking."""

import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import nats
import pytest
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StreamConfig

from ops.local.servers import RunningServer
from tests.integration.console.conftest import Answer, Stage, run
from tests.streams import delete_streams

pytestmark = pytest.mark.timeout(180)


def found(answer: Answer, status: str) -> dict[str, list[str]]:
    """What was found with this status, by the name of the check."""
    told: dict[str, list[str]] = {}
    for check in answer.body["checks"]:
        if check["status"] == status:
            told.setdefault(check["name"], []).append(check["found"])
    return told


def examine(settings: Mapping[str, str], **changes: str) -> Answer:
    return run({**settings, **changes}, "doctor", "--json")


def test_a_healthy_system_has_nothing_that_failed(stage: Stage) -> None:
    answer = stage.sluice("doctor", "--json")

    assert found(answer, "failed") == {}
    assert answer.status == 0
    well = found(answer, "ok")
    assert {"settings", "migrations", "schema", "indexes", "streams", "durability", "disk", "clock"} <= set(
        well
    )
    assert len(well["clock"]) == 2
    assert any("gateway" in each for each in well["ports"])
    assert any("facebook-collector" in each for each in well["ports"])
    assert {each.split()[0] for each in well["versions"]} >= {"NATS", "Postgres", "Node", "Redis"}


@pytest.mark.exhaustive
def test_a_postgres_that_may_forget_is_warned_of(stage: Stage) -> None:
    # The tests' own server runs without fsync.
    warned = found(stage.sluice("doctor", "--json"), "warning")

    assert warned["Postgres"] == [
        "fsync is off: a power cut may lose stored events",
        "full_page_writes is off: a power cut may lose stored events",
    ]


@pytest.mark.exhaustive
def test_a_person_sees_what_is_not_ok_and_what_to_do(stage: Stage) -> None:
    answer = stage.sluice("doctor", "--problems")

    assert "fsync is off" in answer.text
    assert "Set fsync = on" in answer.text
    assert "\nok " not in answer.text
    assert max(map(len, answer.text.splitlines())) <= 100


@pytest.fixture
async def empty_nats(nats_server: RunningServer) -> AsyncIterator[Client]:
    """The session's JetStream without streams."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def settings(
    nothing_runs: Mapping[str, str], nats_server: RunningServer, database_url: str, empty_nats: Client
) -> Mapping[str, str]:
    """A migrated database and an empty JetStream; no services."""
    return {**nothing_runs, "NATS_URL": nats_server.url, "DATABASE_URL": database_url}


@pytest.mark.exhaustive
async def test_a_migration_that_is_not_applied_is_found(
    settings: Mapping[str, str], database_url: str
) -> None:
    database = await asyncpg.connect(database_url)
    await database.execute("DELETE FROM _prisma_migrations WHERE migration_name LIKE '%_audience'")
    await database.close()

    answer = examine(settings)

    assert answer.status == 1
    (missing,) = found(answer, "failed")["migrations"]
    assert missing.startswith("not applied: ")
    assert missing.endswith("_audience")


@pytest.mark.exhaustive
async def test_a_table_that_was_changed_by_hand_is_found(
    settings: Mapping[str, str], database_url: str
) -> None:
    database = await asyncpg.connect(database_url)
    await database.execute("ALTER TABLE event_rollups DROP COLUMN watches, ADD COLUMN mine text")
    await database.execute("ALTER TABLE events ALTER COLUMN facets DROP NOT NULL")
    await database.execute("DROP INDEX events_campaign_id_idx")
    await database.close()

    answer = examine(settings)

    assert sorted(found(answer, "failed")["schema"]) == [
        "event_rollups.mine is nowhere in the schema",
        "event_rollups.watches is missing",
        "events.facets is String?, and should be String",
    ]
    assert found(answer, "warning")["indexes"] == ["missing: events_campaign_id_idx"]


@pytest.mark.exhaustive
async def test_an_empty_database_lacks_all_migrations(
    settings: Mapping[str, str], empty_database_url: str
) -> None:
    answer = examine(settings, DATABASE_URL=empty_database_url)

    assert answer.status == 1
    assert "_init" in found(answer, "failed")["migrations"][0]


@pytest.mark.exhaustive
async def test_a_stream_with_another_limit_is_found_and_left_as_it_is(
    settings: Mapping[str, str], empty_nats: Client
) -> None:
    await empty_nats.jetstream().add_stream(
        StreamConfig(
            name="EVENTS",
            subjects=["events.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            discard=DiscardPolicy.NEW,
            max_bytes=1024**2,
        )
    )

    answer = examine(settings, EVENTS_MAX_BYTES="2mb")

    assert answer.status == 1
    assert found(answer, "failed")["streams"] == [
        "EVENTS has max_bytes 1048576; the settings ask for 2097152"
    ]
    assert found(answer, "warning")["streams"] == [
        "there is no stream DEAD_LETTERS",
        "there is no stream NOTIFICATIONS",
    ]
    streams: dict[str, Any] = {
        stream.config.name or "": stream.config.max_bytes
        for stream in await empty_nats.jetstream().streams_info()
    }
    assert streams == {"EVENTS": 1024**2}


@pytest.mark.exhaustive
def test_a_misspelt_variable_and_an_open_file_are_found(nothing_runs: Mapping[str, str]) -> None:
    file = Path(nothing_runs["SLUICE_ENV_FILE"])
    file.write_text("GATEWAY_PROT=4001\n# a comment\nLOG_LEVEL=debug\n")
    file.chmod(0o644)

    failed = found(examine(nothing_runs), "failed")

    assert failed["variables"] == ["GATEWAY_PROT in .env is read by nobody"]
    assert failed["permissions"] == [".env holds secrets and has mode 644"]


@pytest.mark.exhaustive
def test_a_setting_that_makes_no_sense_is_found(nothing_runs: Mapping[str, str]) -> None:
    failed = found(examine(nothing_runs, BODY_SIZE_LIMIT="a lot"), "failed")

    assert failed["settings"] == ["BODY_SIZE_LIMIT: expected a size like 50mb, got 'a lot'"]


@pytest.mark.exhaustive
def test_a_port_that_somebody_else_holds_is_found(nothing_runs: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        failed = found(examine(nothing_runs, GATEWAY_URL=f"http://127.0.0.1:{port}"), "failed")

    (taken,) = failed["ports"]
    assert taken.startswith(f"{port}: taken by ")
    assert taken.endswith("gateway does not answer")


@pytest.mark.exhaustive
def test_where_nothing_runs_each_server_is_told_once(nothing_runs: Mapping[str, str]) -> None:
    answer = examine(nothing_runs)

    assert answer.status == 1
    failed = found(answer, "failed")
    assert list(failed) == ["servers"]
    assert [each.partition(":")[0] for each in failed["servers"]] == ["Postgres", "NATS"]
    assert [each.partition(":")[0] for each in found(answer, "warning")["servers"]] == ["Redis"]
