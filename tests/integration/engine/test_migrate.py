"""`prisma migrate` over the WebAssembly schema engine, with the repository's own configuration."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.conftest import ENGINE, REPOSITORY

pytestmark = pytest.mark.exhaustive

SCHEMA = """
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}

model Thing {
  id   Int    @id
  note String
}
"""
FIRST = """
-- a comment; with a semicolon
CREATE TABLE "Thing" ("id" INTEGER NOT NULL, "note" TEXT NOT NULL, CONSTRAINT "Thing_pkey" PRIMARY KEY ("id"));
"""
SECOND = """
CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$;
DO $$ BEGIN PERFORM one(); END $$;
INSERT INTO "Thing" VALUES (one(), 'a; b');
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the repository's configuration and two migrations."""
    shutil.copy(REPOSITORY / "prisma" / "prisma.config.mjs", tmp_path)
    (tmp_path / "engine").symlink_to(ENGINE)
    (tmp_path / "schema.prisma").write_text(SCHEMA)
    for name, script in (("1_table", FIRST), ("2_function", SECOND)):
        (tmp_path / "migrations" / name).mkdir(parents=True)
        (tmp_path / "migrations" / name / "migration.sql").write_text(script)
    (tmp_path / "migrations" / "migration_lock.toml").write_text('provider = "postgresql"\n')
    return tmp_path


@pytest.fixture
def migrate(project: Path, prisma_cli: Any, own_postgres: Any) -> Run:
    def run(
        *arguments: str, url: str = own_postgres.url(connection_limit=3)
    ) -> subprocess.CompletedProcess[str]:
        config = str(project / "prisma.config.mjs")
        return prisma_cli("migrate", *arguments, "--config", config, DATABASE_URL=url)  # type: ignore[no-any-return]

    return run


def test_deploy_applies_each_migration_once(migrate: Run, own_postgres: Any) -> None:
    first = migrate("deploy")
    assert first.returncode == 0, first.stderr
    assert own_postgres.sql('SELECT note FROM "Thing"') == "a; b"
    assert "No pending migrations" in migrate("deploy").stdout
    assert "up to date" in migrate("status").stdout


def test_a_migration_that_fails_leaves_nothing_behind(project: Path, migrate: Run, own_postgres: Any) -> None:
    (project / "migrations" / "3_bad").mkdir()
    (project / "migrations" / "3_bad" / "migration.sql").write_text(
        "CREATE TABLE half (id int);\nSELECT 1/0;"
    )
    failed = migrate("deploy")
    assert failed.returncode == 1
    assert "division by zero" in failed.stderr
    assert own_postgres.sql("SELECT to_regclass('half') IS NULL") == "t"


def test_a_migration_that_failed_is_marked_as_rolled_back_and_applied_anew(
    project: Path, migrate: Run, own_postgres: Any
) -> None:
    (project / "migrations" / "3_bad").mkdir()
    script = project / "migrations" / "3_bad" / "migration.sql"
    script.write_text("SELECT 1/0;")
    assert migrate("deploy").returncode == 1
    script.write_text("CREATE TABLE whole (id int);")
    refused = migrate("deploy")
    assert (refused.returncode, "P3009" in refused.stderr) == (1, True), refused.stderr
    resolved = migrate("resolve", "--rolled-back", "3_bad")
    assert resolved.returncode == 0, resolved.stderr
    assert migrate("deploy").returncode == 0
    assert own_postgres.sql("SELECT to_regclass('whole') IS NOT NULL") == "t"
    away = migrate("resolve", "--rolled-back", "3_bad", url="postgresql://postgres@127.0.0.1:1/postgres")
    assert (away.returncode, "Can't reach the database" in away.stderr) == (1, True), away.stderr


def test_diff_compares_migrations_with_the_schema(project: Path, migrate: Run, own_postgres: Any) -> None:
    arguments = ("diff", "--from-migrations", str(project / "migrations"), "--exit-code")
    schema = ("--to-schema-datamodel", str(project / "schema.prisma"))
    same = migrate(*arguments, *schema)
    assert same.returncode == 0, same.stderr
    (project / "schema.prisma").write_text(SCHEMA.replace("note String", "note String\n  more Int?"))
    other = migrate(*arguments, *schema, "--script")
    assert other.returncode == 2, other.stderr
    assert 'ADD COLUMN     "more" INTEGER' in other.stdout
    assert own_postgres.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'prisma_migrate%'") == "0"


def test_a_server_that_is_away_is_named(migrate: Run) -> None:
    failed = migrate("deploy", url="postgresql://postgres@127.0.0.1:1/postgres")
    assert failed.returncode == 1
    assert "127.0.0.1:1" in failed.stderr


def test_deploy_into_another_schema(migrate: Run, own_postgres: Any) -> None:
    done = migrate("deploy", url=own_postgres.url(schema="other"))
    assert done.returncode == 0, done.stderr
    assert own_postgres.sql('SELECT note FROM other."Thing"') == "a; b"
