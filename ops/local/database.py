"""The database inside the Postgres server: created, migrated, cloned."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ops.local import binaries, prisma_cli
from ops.local.postgres_server import DEFAULT_VERSION

CONFIG = prisma_cli.PRISMA / "prisma.config.mjs"
MAINTENANCE = "postgres"
"""A database that every Postgres server has: from there others are created and dropped."""
STATEMENT_SECONDS = 60.0


class DatabaseError(RuntimeError):
    """A statement failed. The text is what Postgres said."""


def with_name(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, parts.fragment))


def name_of(url: str) -> str:
    """The database that a URL names."""
    return urlsplit(url).path.lstrip("/")


def statement(url: str, sql: str, version: int = DEFAULT_VERSION) -> str:
    """Run one statement by psql of the wheel and return its rows, one a line. `ps` does not show the
    password."""
    parts = urlsplit(url)
    command = (
        str(binaries.postgres(version, "psql")),
        "--no-psqlrc",
        "-qAt",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        sql,
    )
    connection = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": name_of(url),
    }
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=STATEMENT_SECONDS,
        cwd="/",
        env={**os.environ, **connection},
        check=False,
    )
    if done.returncode != 0:
        raise DatabaseError(done.stderr.strip())
    return done.stdout.strip()


def ensure(url: str) -> None:
    """Create the database that the URL names, unless it is there."""
    name, maintenance = name_of(url), with_name(url, MAINTENANCE)
    if not statement(maintenance, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608 - our own names
        statement(maintenance, f'CREATE DATABASE "{name}"')


def clone(url: str, name: str) -> str:
    """A copy of a database that nobody is connected to, made by the server in milliseconds. Returns its
    URL."""
    statement(with_name(url, MAINTENANCE), f'CREATE DATABASE "{name}" TEMPLATE "{name_of(url)}"')
    return with_name(url, name)


def drop(url: str) -> None:
    """Drop the database that the URL names, whoever is connected to it."""
    statement(with_name(url, MAINTENANCE), f'DROP DATABASE IF EXISTS "{name_of(url)}" WITH (FORCE)')


def migrate(url: str) -> str:
    """Apply the migrations that are not applied yet, and return what Prisma said. About two seconds."""
    return prisma_migrate(url, "deploy")


def prisma_migrate(url: str, *arguments: str, config: Path = CONFIG) -> str:
    """`prisma migrate arguments…` on that database; returns what it said. Raises PrismaError. The migrations
    are those beside `config`."""
    return prisma_cli.run("migrate", *arguments, "--config", str(config), extra={"DATABASE_URL": url})
