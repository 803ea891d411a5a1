"""A whole running system, and the console beside it as an operator starts it."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.local import database, prisma_cli, servers
from ops.local.binaries import ROOT
from ops.local.servers import RunningServer
from tests.processes import Process, Services, connections
from tests.servers import FAST_AND_UNSAFE
from tests.unit.builders import changed, good_event

SECONDS = 60.0
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said."""

    status: int
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that `--json` writes."""
        return json.loads(self.text)


Sluice = Callable[..., Answer]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What `./sluice` would hand over."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        **prisma_cli.environment(),
        **settings,
    }


def run(settings: Mapping[str, str], *arguments: str) -> Answer:
    """`./sluice ARGUMENTS`. What it writes to standard error fails the test: that is for defects."""
    done = subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout)


@dataclass(frozen=True)
class Stage:
    """Servers and services that a test may break and must mend."""

    nats: RunningServer
    postgres: RunningServer
    redis: RunningServer
    gateway: Process
    collector: Process
    settings: Mapping[str, str]

    def sluice(self, *arguments: str) -> Answer:
        """A command of the console, told where everything is."""
        return run(self.settings, *arguments)

    def send(self, good: int, bad: int = 0) -> None:
        """Posts events of facebook, and returns when they are accepted."""
        events = [good_event(eventId=f"console-{next(_numbers)}") for _ in range(good + bad)]
        body = [changed(event, "$.data.user.age", 151) for event in events[:bad]] + events[bad:]
        answer = httpx.post(f"{self.gateway.url}/events", json=body, timeout=10)
        assert (answer.status_code, answer.json()["rejected"]) == (202, bad), answer.text


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all tests here: its services take seconds to start."""
    folder = tmp_path_factory.mktemp("stage")
    with ExitStack() as stack:
        nats = stack.enter_context(servers.running(servers.nats(folder)))
        postgres = stack.enter_context(servers.running(servers.postgres(folder, settings=FAST_AND_UNSAFE)))
        redis = stack.enter_context(servers.running(servers.redis(folder)))
        database.ensure(postgres.url)
        database.migrate(postgres.url)
        addresses = connections(nats, postgres, redis)
        services = stack.enter_context(Services(folder, addresses))
        gateway = services.gateway(ready=False)
        collector = services.collector("facebook", ready=False)
        reporter = services.reporter(ready=False)
        for process in (gateway, collector, reporter):
            process.wait_ready()
        settings = {
            **addresses,
            "GATEWAY_URL": gateway.url,
            "COLLECTOR_URLS": f"facebook={collector.url}",
            "REPORTER_URL": reporter.url,
            "NATS_MONITOR_URL": nats.server.monitor_url,
            "SLUICE_DATA_DIR": str(folder),
            "SLUICE_ENV_FILE": str(folder / ".env"),
        }
        yield Stage(nats, postgres, redis, gateway, collector, settings)


@pytest.fixture
def nothing_runs(tmp_path: Path) -> Mapping[str, str]:
    """Settings of a system that was never started."""
    return {
        "NATS_URL": "nats://127.0.0.1:1",
        "DATABASE_URL": "postgresql://sluice:b7c0d2f1e4a85936@127.0.0.1:1/sluice",
        "REDIS_URL": "redis://127.0.0.1:1",
        "GATEWAY_URL": "http://127.0.0.1:1",
        "COLLECTOR_URLS": "facebook=http://127.0.0.1:1",
        "REPORTER_URL": "http://127.0.0.1:1",
        "SLUICE_DATA_DIR": str(tmp_path),
        "SLUICE_ENV_FILE": str(tmp_path / ".env"),
    }
