"""Services before servers, in any order: each says what it waits for, becomes ready by itself, and can be stopped."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ops.local import database, servers
from ops.local.servers import RunningServer
from ops.local.waiting import wait_until
from tests.processes import Process, Services, connections
from tests.servers import FAST_AND_UNSAFE

pytestmark = pytest.mark.exhaustive

CONNECT = {"DATABASE_CONNECT_TIMEOUT_SECONDS": "1"}


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[RunningServer]:
    """One of our own, which is not running."""
    with servers.running(servers.nats(tmp_path)) as server:
        server.kill()
        yield server


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[RunningServer]:
    """One of our own, without a database, which is not running."""
    tmp_path.chmod(0o711)
    with servers.running(servers.postgres(tmp_path, settings=FAST_AND_UNSAFE)) as server:
        server.kill()
        yield server


def launch_all(services: Services) -> list[Process]:
    return [
        services.gateway(ready=False),
        services.collector("facebook", ready=False, **CONNECT),
        services.collector("tiktok", ready=False, **CONNECT),
        services.reporter(ready=False, **CONNECT),
    ]


def waits_for(process: Process) -> dict[str, str]:
    """The checks that are not ready, and what they say."""
    answer = httpx.get(f"{process.url}/health/ready", timeout=10)
    checks = answer.json()["checks"]
    assert answer.status_code == (
        200 if all(check["ready"] or check["optional"] for check in checks) else 503
    )
    return {
        check["name"]: check["detail"] for check in checks if not check["ready"] and not check["optional"]
    }


def until_it_says(process: Process, name: str, words: str) -> None:
    def problem() -> str | None:
        found = waits_for(process)
        return None if words in found.get(name, "") else str(found)

    wait_until(f"{process.name} to say {words!r}", problem, 15)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_all_services_start_before_any_server_and_become_ready_without_a_restart(
    tmp_path: Path, nats: RunningServer, postgres: RunningServer, seed: int
) -> None:
    url = database.with_name(postgres.url, "sluice")
    with Services(tmp_path, connections(nats, database_url=url)) as services:
        processes = launch_all(services)
        for process in processes:
            process.wait_alive()
        gateway, *stores = processes
        assert set(waits_for(gateway)) == {"nats"}
        for process in stores:
            assert "postgres" in waits_for(process)

        def start_postgres() -> None:
            postgres.start()
            for process in stores:
                until_it_says(process, "postgres", "does not exist")
            database.ensure(url)
            for process in stores:
                until_it_says(process, "postgres", "the database is not migrated yet")
            database.migrate(url)

        order: list[Callable[[], None]] = [nats.start, start_postgres]
        random.Random(seed).shuffle(order)
        for start in order:
            start()
        for process in processes:
            process.wait_ready()
        for process in processes:
            log = process.log.read_text()
            assert log.count('"service_starting"') == 1
            assert "Traceback" not in log
        for process in processes:
            process.terminate()
        assert [process.wait() for process in processes] == [0] * len(processes)


@pytest.mark.slow
def test_what_still_waits_for_its_servers_can_be_stopped(
    tmp_path: Path, nats: RunningServer, postgres: RunningServer
) -> None:
    with Services(tmp_path, connections(nats, postgres)) as services:
        processes = launch_all(services)
        for process in processes:
            process.wait_alive()
        for process in processes:
            process.terminate()
        assert [process.wait() for process in processes] == [0] * len(processes)


def test_what_does_not_serve_yet_can_be_stopped(tmp_path: Path, postgres: RunningServer) -> None:
    """While its query engine starts a service has nothing to finish."""
    with Services(tmp_path, connections(postgres)) as services:
        reporter = services.reporter(ready=False)
        wait_until("its query engine", lambda: None if reporter.engines() else "not started", 15)
        reporter.terminate()
        assert reporter.wait() == 0, reporter.tail()
