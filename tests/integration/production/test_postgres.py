"""The roles of Postgres: each does its work (see `test_programs.py`), and nothing of the others'."""

import subprocess
from datetime import UTC, datetime

import asyncpg
import pytest

from ops.local import database
from pipeline.errors import StoreUnavailable
from pipeline.store import Database, StoreSettings
from pipeline.store.migrations import check_migrated
from pipeline.store.partitions import ensure_partitions
from tests.integration.production.servers import OPS, PASSWORDS, Certificates, Postgres

pytestmark = [pytest.mark.exhaustive, pytest.mark.usefixtures("prisma_environment")]
REFUSALS = (
    asyncpg.InsufficientPrivilegeError,
    # Who may not even look into the schema is told that there is no such thing.
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)
ROLES = ("collector", "alerts", "reporter", "console", "exporter")


async def connect(postgres: Postgres, role: str) -> asyncpg.Connection:
    parts = postgres.server.url.rpartition("@")[2]
    password = PASSWORDS[f"POSTGRES_{role.upper()}_PASSWORD"]
    return await asyncpg.connect(f"postgresql://sluice_{role}:{password}@{parts}", ssl=False)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        *((role, "DROP TABLE events") for role in ROLES),
        *((role, "CREATE TABLE of_my_own (id integer)") for role in ROLES),
        *((role, "CREATE TEMPORARY TABLE of_my_own (id integer)") for role in ROLES),
        *((role, "ALTER TABLE events ADD COLUMN more text") for role in ROLES),
        *((role, "SELECT * FROM pg_authid") for role in ROLES),
        *((role, "COPY (SELECT 1) TO PROGRAM 'true'") for role in ROLES),
        *((role, "DELETE FROM alerts") for role in ("collector", "reporter", "console", "exporter")),
        *(
            (role, "INSERT INTO events SELECT * FROM events")
            for role in ("alerts", "reporter", "console", "exporter")
        ),
        *(
            (role, "SELECT make_events_partition('2020-01-01')")
            for role in ("alerts", "reporter", "console", "exporter")
        ),
        ("collector", "DELETE FROM events"),
        ("collector", "UPDATE events SET payload = '{}'"),
        ("collector", "TRUNCATE event_ledger"),
        ("reporter", "UPDATE audience_segments SET data = ''"),
        ("alerts", "SELECT payload FROM events"),
        ("exporter", "SELECT payload FROM events"),
    ],
)
async def test_nobody_does_anothers_work(postgres: Postgres, role: str, statement: str) -> None:
    connection = await connect(postgres, role)
    with pytest.raises(REFUSALS):
        await connection.execute(statement)
    await connection.close()


async def test_a_collector_makes_and_drops_days_and_no_other_table(postgres: Postgres) -> None:
    async with Database(StoreSettings(database_url=postgres.url("collector"))) as store:
        await ensure_partitions(store, datetime(2031, 5, 14, tzinfo=UTC), 0)
        [made] = await store.query("SELECT to_regclass('events_20310514')::text AS name")
        assert made == {"name": "events_20310514"}
        assert await store.query("SELECT drop_events_partition('events_20310514') AS dropped") == [
            {"dropped": True}
        ]
        assert await store.query("SELECT drop_events_partition('events_20310514') AS dropped") == [
            {"dropped": False}
        ]
        with pytest.raises(StoreUnavailable, match="not the name of a day"):
            await store.query("SELECT drop_events_partition('events_default') AS dropped")


async def test_tables_are_the_owners_whoever_made_them(postgres: Postgres) -> None:
    async with Database(StoreSettings(database_url=postgres.url("collector"))) as store:
        await ensure_partitions(store, datetime(2031, 6, 14, tzinfo=UTC), 0)
        owners = await store.query(
            "SELECT DISTINCT tableowner::text AS name FROM pg_tables WHERE schemaname = 'public'"
        )
    assert owners == [{"name": "sluice_owner"}]


@pytest.mark.parametrize("role", ["collector", "alerts", "reporter", "console"])
async def test_each_sees_that_the_database_is_up_to_date(postgres: Postgres, role: str) -> None:
    async with Database(StoreSettings(database_url=postgres.url(role))) as store:
        assert "migrations" in await check_migrated(store)


async def test_ours_knows_whom_it_talks_to(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    others = Certificates(tmp_path_factory.mktemp("others")).authority
    for url, said in (
        (postgres.url("reporter", authority=others), "certificate|issuer|self-signed|signature"),
        (postgres.url("reporter", host="127.0.0.1"), "IP|altnames|altName"),
    ):
        async with Database(StoreSettings(database_url=url)) as store:
            with pytest.raises(StoreUnavailable, match=f"(?i){said}"):
                await store.ping()


def test_migrations_do_too(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> None:
    others = Certificates(tmp_path_factory.mktemp("others")).authority
    with pytest.raises(Exception, match=r"(?i)certificate|issuer|self-signed|signature"):
        database.migrate(postgres.url("owner", authority=others))
    database.migrate(postgres.url("owner"))


def test_roles_and_grants_may_be_run_any_number_of_times(postgres: Postgres) -> None:
    for name in ("roles.sql", "grants.sql", "roles.sql", "grants.sql"):
        postgres.run_file(name)


def test_no_password_is_in_the_servers_log(postgres: Postgres) -> None:
    log = postgres.server.log.read_text()
    assert not [name for name, password in PASSWORDS.items() if password in log]


def test_scripts_of_servers_are_scripts() -> None:
    for script in (OPS / "postgres" / "start.sh", OPS / "redis" / "start.sh", OPS / "redis" / "users.sh"):
        subprocess.run(["sh", "-n", str(script)], check=True)
