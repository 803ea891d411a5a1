"""A migration is applied, fails, is repaired and is taken back while events come in: nobody is refused, none is lost.

What docs/operations.md says under "Upgrade and rollback" is done here step by step, with a migration that is made up.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ops.local import database, prisma_cli
from ops.local.prisma_cli import PrismaError
from tests.faults import questions
from tests.faults.balance import reckon
from tests.faults.load import Load
from tests.faults.system import System, loaded, running_system, wait_for

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow, pytest.mark.timeout(240)]

NEXT = "29990101000000_expand"
EXPAND = """
-- Only adds, so the version before runs on it: columns that may be left out, and a table of its own.
ALTER TABLE events ADD COLUMN language text;
ALTER TABLE event_ledger ADD COLUMN note text NOT NULL DEFAULT '';
CREATE INDEX events_language_idx ON events (language) WHERE language IS NOT NULL;
CREATE TABLE languages (language text NOT NULL, CONSTRAINT languages_pkey PRIMARY KEY (language));
DO $do$ BEGIN INSERT INTO languages VALUES ('a; b'); END $do$;
"""
DOWN = """
DROP TABLE IF EXISTS languages;
DROP INDEX IF EXISTS events_language_idx;
ALTER TABLE event_ledger DROP COLUMN IF EXISTS note;
ALTER TABLE events DROP COLUMN IF EXISTS language;
DELETE FROM _prisma_migrations WHERE migration_name = '29990101000000_expand';
"""
ADDED = """
SELECT count(*) FROM information_schema.columns WHERE table_name = 'events' AND column_name = 'language'
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("upgrade"), collectors={"facebook": 2}) as system:
        yield system


@pytest.fixture(scope="module")
def all_events(system: System) -> Load:
    """One ledger for all tests here: it knows every event that there is."""
    return loaded(system, seed=21, rate=1500)


@pytest.fixture
def load(system: System, all_events: Load) -> Iterator[Load]:
    """Events come in until the test is over."""
    load = all_events
    load.start()
    wait_for("events", lambda: None if sum(system.stored().values()) > 1000 else "little is stored yet", 30)
    yield load
    load.stop()


@pytest.fixture
def next_version(system: System, tmp_path: Path) -> Iterator[Path]:
    """The configuration of a version with one migration more, which is taken back at the end in any case."""
    copy = tmp_path / "prisma"
    shutil.copytree(prisma_cli.PRISMA / "migrations", copy / "migrations")
    for name in ("prisma.config.mjs", "schema.prisma"):
        shutil.copy(prisma_cli.PRISMA / name, copy)
    (copy / "engine").symlink_to(prisma_cli.ENGINE)
    write_migration(copy / "prisma.config.mjs", EXPAND)
    yield copy / "prisma.config.mjs"
    run_script(system, DOWN)


def write_migration(config: Path, script: str) -> None:
    folder = config.parent / "migrations" / NEXT
    folder.mkdir(exist_ok=True)
    (folder / "migration.sql").write_text(script)


def run_script(system: System, script: str) -> None:
    """As psql does with a file: one transaction."""

    async def run(connection: asyncpg.Connection) -> None:
        await connection.execute(script)

    questions.in_postgres(system.postgres.url, run, 30)


def stop_collectors(system: System) -> None:
    for collector in system.all_collectors:
        collector.terminate()
    for collector in system.all_collectors:
        assert collector.wait() == 0, collector.tail()


def start_collectors(system: System) -> None:
    system.launch(*system.all_collectors)
    for collector in system.all_collectors:
        collector.wait_ready(60)


def assert_stored_again(system: System) -> None:
    """New events of every source come through."""
    before = system.stored()

    def problem() -> str | None:
        now = system.stored()
        return None if all(now[source] > count for source, count in before.items()) else f"{now}"

    wait_for("new events of every source", problem, 30)


def assert_all_ready(system: System) -> None:
    assert [seen for process in system.processes if (seen := system.is_ready(process))] == []


def assert_nothing_lost_and_nobody_refused(system: System, load: Load) -> None:
    assert reckon(system, load).problems == []
    assert set(load.statuses) <= {"202", "400"}, load.statuses


def test_a_migration_is_applied_and_taken_back_under_load(
    system: System, load: Load, next_version: Path
) -> None:
    stop_collectors(system)  # events wait in the stream, gateways go on accepting
    said = database.prisma_migrate(system.postgres.url, "deploy", config=next_version)
    assert NEXT in said
    assert database.statement(system.postgres.url, ADDED) == "1"
    accepted = load.account.totals.accepted
    start_collectors(system)  # these are of the version before: it runs on the newer database
    assert_all_ready(system)
    assert_stored_again(system)
    assert load.account.totals.accepted > accepted

    stop_collectors(system)
    run_script(system, DOWN)
    assert database.statement(system.postgres.url, ADDED) == "0"
    start_collectors(system)
    assert_all_ready(system)
    assert_stored_again(system)
    assert "up to date" in database.prisma_migrate(system.postgres.url, "status")
    assert_nothing_lost_and_nobody_refused(system, load)


def test_a_migration_that_only_adds_is_applied_while_everything_runs(
    system: System, load: Load, next_version: Path
) -> None:
    database.prisma_migrate(system.postgres.url, "deploy", config=next_version)
    assert_all_ready(system)
    assert_stored_again(system)
    run_script(system, DOWN)
    assert_all_ready(system)
    assert_stored_again(system)
    assert_nothing_lost_and_nobody_refused(system, load)


def test_a_migration_that_fails_changes_nothing_and_is_repaired(
    system: System, load: Load, next_version: Path
) -> None:
    write_migration(next_version, EXPAND + "\nALTER TABEL events;\n")
    with pytest.raises(PrismaError, match='syntax error at or near "TABEL"'):
        database.prisma_migrate(system.postgres.url, "deploy", config=next_version)
    assert database.statement(system.postgres.url, ADDED) == "0"
    assert database.statement(system.postgres.url, "SELECT to_regclass('languages') IS NULL") == "t"
    assert_all_ready(system)
    assert_stored_again(system)

    write_migration(next_version, EXPAND)
    with pytest.raises(PrismaError, match="P3009"):
        database.prisma_migrate(system.postgres.url, "deploy", config=next_version)
    database.prisma_migrate(system.postgres.url, "resolve", "--rolled-back", NEXT, config=next_version)
    database.prisma_migrate(system.postgres.url, "deploy", config=next_version)
    assert database.statement(system.postgres.url, ADDED) == "1"
    assert_all_ready(system)
    assert_stored_again(system)
    run_script(system, DOWN)
    assert_nothing_lost_and_nobody_refused(system, load)
