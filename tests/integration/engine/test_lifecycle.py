"""The engine as a process: it starts, answers on this machine only, stops when told, and never outlives its parent."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.integration.engine.conftest import ENGINE

EXECUTABLE = ENGINE / "query-engine"
PARENT = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from engine_client import Prisma

async def main():
    db = Prisma(datasource={"url": sys.argv[2]})
    await db.connect()
    print(db._engine.process.pid, flush=True)
    await db.query_raw("SELECT pg_sleep(60)")

asyncio.run(main())
"""


def test_version_is_that_of_the_engine(engine_environment: dict[str, str]) -> None:
    shown = subprocess.run(
        [EXECUTABLE, "--version"], env=engine_environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"query-engine {engine_environment['PRISMA_EXPECTED_ENGINE_VERSION']}\n"


def test_it_works_through_a_link_and_from_any_folder(
    engine_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(EXECUTABLE)
    shown = subprocess.run(
        ["./link", "--version"],
        cwd=tmp_path,
        env=engine_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith("query-engine ")


@pytest.mark.parametrize(
    ("named", "said"),
    [({}, "no Node"), ({"SLUICE_NODE": "/nowhere/node"}, "/nowhere/node")],
    ids=["none", "wrong"],
)
def test_without_node_it_says_so(tmp_path: Path, named: dict[str, str], said: str) -> None:
    for tool in ("dirname", "readlink"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    failed = subprocess.run(
        ["/bin/sh", EXECUTABLE],
        env={"PATH": str(tmp_path), **named},
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 127
    assert said in failed.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PRISMA_DML_PATH": "/nowhere"}, "/nowhere"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "mysql://x"}, "must start with postgresql://"),
        ({"DATABASE_URL": "postgresql://x/y?connection_limit=many"}, "connection_limit"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    engine_environment: dict[str, str], environment: dict[str, str], said: str
) -> None:
    schema = str(Path(__file__).with_name("schema.prisma"))
    failed = subprocess.run(
        [EXECUTABLE, "-p", "0"],
        env={**engine_environment, "PRISMA_DML_PATH": schema, **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert failed.returncode == 1
    assert said in failed.stderr


@pytest.mark.asyncio
async def test_it_listens_on_this_machine_only(db: Any) -> None:
    port = int(db._engine.url.rsplit(":", 1)[1])
    async with httpx.AsyncClient() as http:
        status = await http.get(f"http://127.0.0.1:{port}/status")
        assert status.json() == {"status": "ok"}
        assert (await http.get(f"http://127.0.0.1:{port}/nothing")).status_code == 404
        garbage = await http.post(f"http://127.0.0.1:{port}/", content=b"no JSON")
        assert garbage.json()["errors"][0]["user_facing_error"]["error_code"] == "P2009"
    assert _listening_addresses(port) == ["0100007F"]


def _listening_addresses(port: int) -> list[str]:
    """As the kernel writes them: hexadecimal, in the byte order of the machine."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local = [columns[1].split(":") for columns in sockets if columns[3] == "0A"]
    return [address for address, number in local if number == f"{port:04X}"]


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_lets_running_statements_finish(db: Any, number: signal.Signals) -> None:
    process = db._engine.process
    running = asyncio.ensure_future(db.query_raw("SELECT 'done' AS said FROM pg_sleep(0.5)"))
    while not (await _active(db)):
        await asyncio.sleep(0.01)
    process.send_signal(number)
    assert await running == [{"said": "done"}]
    assert await asyncio.to_thread(process.wait, 5) == 0


async def _active(db: Any) -> bool:
    metrics = await db.get_metrics()
    return any(gauge.key == "prisma_client_queries_active" and gauge.value == 1 for gauge in metrics.gauges)


@pytest.mark.asyncio
async def test_disconnect_is_quick_even_with_a_transaction_open(db: Any) -> None:
    await db.tx().start()
    process = db._engine.process
    started = time.monotonic()
    await db.disconnect()
    assert time.monotonic() - started < 2
    assert process.returncode == 0


def test_the_engine_ends_when_its_parent_is_killed(client_package: ModuleType, postgres: Any) -> None:
    folder = str(Path(client_package.__file__ or "").parents[1])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, folder, postgres.url()], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    engine = int(parent.stdout.readline())
    handle = os.pidfd_open(engine)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    ended = _readable_within(handle, seconds=2)
    os.close(handle)
    assert ended, "the engine outlived its parent by two seconds"


def _readable_within(descriptor: int, seconds: float) -> bool:
    """A process's descriptor becomes readable when the process ends."""
    return bool(select.select([descriptor], [], [], seconds)[0])


@pytest.mark.asyncio
async def test_queries_are_logged_without_their_parameters(
    client_package: ModuleType, postgres: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    client = client_package.Prisma(datasource={"url": postgres.url()}, log_queries=True)
    await client.connect()
    await client.query_raw("SELECT $1::text AS logged", "a secret")
    await client.disconnect()
    output = capfd.readouterr().out
    assert "SELECT $1::text AS logged" in output
    assert "a secret" not in output


def test_a_taken_port_is_an_error(engine_environment: dict[str, str], postgres: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        failed = subprocess.run(
            [EXECUTABLE, "-p", str(taken.getsockname()[1])],
            env={
                **engine_environment,
                "PRISMA_DML_PATH": str(Path(__file__).with_name("schema.prisma")),
                "DATABASE_URL": postgres.url(),
            },
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert failed.returncode == 1
    assert "EADDRINUSE" in failed.stderr
