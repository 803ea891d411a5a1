"""./start.sh as a person uses it: a whole system in a data folder of its own, on ports of its own."""

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from ops.local import leftovers, ports, processes, system, waiting
from ops.local.services import SERVICES
from ops.local.supervision import ProcessState

ROOT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 180
LATER_RUN_SECONDS = 60  # some seconds on an idle machine; a first one installs for minutes
RECOVERY_SECONDS = 15
PROCESSES = ["nats", "postgres", "redis", *(service.name for service in SERVICES)]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Installation:
    """One data folder and the environment that leads every script to it."""

    data: Path
    environ: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def states(self) -> dict[str, ProcessState]:
        return system.describe(self.environ, choose_ports=False).supervisor.states()

    def port(self, variable: str) -> int:
        return int(self.environ[variable])

    def processes(self) -> list[psutil.Process]:
        """Everything that has to do with the data folder, found in two ways."""
        named = [p for p in psutil.process_iter(["cmdline"]) if str(self.data) in str(p.info["cmdline"])]
        return leftovers.find(self.data) + named


def new_installation(folder: Path) -> Installation:
    chosen: set[int] = set()
    environ = {**os.environ, "SLUICE_DATA_DIR": str(folder / "data"), "SLUICE_ENV_FILE": str(folder / ".env")}
    for service in SERVICES:
        port = ports.choose_free(chosen)
        chosen.add(port)
        environ[service.port_variable] = str(port)
    return Installation(folder / "data", environ)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A system that is up, without the publisher, so that tests know what is in it."""
    made = new_installation(tmp_path_factory.mktemp("start"))
    started = made.run("./start.sh", "--local", "--no-publisher")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield made
    finally:
        made.run("./start.sh", "stop")


def send_event(installation: Installation) -> str:
    event_id = str(uuid.uuid4())
    event = {
        "eventId": event_id,
        "timestamp": "2026-01-01T12:00:00Z",
        "source": "tiktok",
        "funnelStage": "top",
        "eventType": "like",
        "data": {
            "user": {"userId": "u1", "username": "ann", "followers": 120},
            "engagement": {
                "watchTime": 12,
                "percentageWatched": 80,
                "device": "Android",
                "country": "DE",
                "videoId": "v1",
            },
        },
    }
    answer = httpx.post(f"http://127.0.0.1:{installation.port('GATEWAY_PORT')}/events", json=event)
    assert answer.json()["accepted"] == 1
    return event_id


def reported_likes(installation: Installation) -> int:
    url = f"http://127.0.0.1:{installation.port('REPORTER_PORT')}/reports/events"
    return sum(row["count"] for row in httpx.get(url, params={"eventType": "like"}).json())


def wait_for_likes(installation: Installation, wanted: int) -> None:
    def problem() -> str | None:
        seen = reported_likes(installation)
        return None if seen == wanted else f"{seen} likes"

    waiting.wait_until(f"{wanted} likes", problem, RECOVERY_SECONDS)


def test_the_health_check_has_a_line_for_everything_and_passes(installation: Installation) -> None:
    checked = installation.run("./healthcheck.sh")
    assert checked.returncode == 0, checked.stdout
    assert [line.split()[:2] for line in checked.stdout.splitlines()] == [["ready", p] for p in PROCESSES]


def test_output_in_a_pipe_has_no_escape_codes(installation: Installation) -> None:
    assert "\033" not in installation.run("./start.sh", "--local", "--no-publisher").stdout


def test_an_event_that_is_sent_is_reported(installation: Installation) -> None:
    before = reported_likes(installation)
    send_event(installation)
    wait_for_likes(installation, before + 1)


def test_a_second_start_is_quick_and_restarts_nothing(installation: Installation) -> None:
    before = {name: state.pid for name, state in installation.states().items()}
    began = time.monotonic()
    assert installation.run("./start.sh", "--local", "--no-publisher").returncode == 0
    assert time.monotonic() - began < LATER_RUN_SECONDS
    assert {name: state.pid for name, state in installation.states().items()} == before


@pytest.mark.parametrize(
    "name",
    [name if name == "gateway" else pytest.param(name, marks=pytest.mark.exhaustive) for name in PROCESSES],
)
def test_what_is_killed_comes_back(installation: Installation, name: str) -> None:
    pid = installation.states()[name].pid
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)

    def problem() -> str | None:
        state = installation.states()[name]
        if state.state != "RUNNING" or state.pid == pid:
            return state.state
        checked = installation.run("./healthcheck.sh")
        return None if checked.returncode == 0 else checked.stdout

    waiting.wait_until(name, problem, RECOVERY_SECONDS)
    assert time.monotonic() - began < RECOVERY_SECONDS


def test_a_service_that_is_not_ready_fails_the_health_check_by_name(installation: Installation) -> None:
    pid = installation.states()["reporter"].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        checked = installation.run("./healthcheck.sh")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert checked.returncode == 1
    [line] = [line for line in checked.stdout.splitlines() if line.split()[1] == "reporter"]
    assert line.split()[0] == "NOT"


def test_stop_leaves_no_process_and_the_data_survives(installation: Installation) -> None:
    before = reported_likes(installation)
    send_event(installation)
    wait_for_likes(installation, before + 1)
    assert installation.run("./start.sh", "stop").returncode == 0
    assert installation.processes() == []
    assert installation.run("./healthcheck.sh").returncode == 1
    began = time.monotonic()
    assert installation.run("./start.sh", "--local", "--no-publisher").returncode == 0
    assert time.monotonic() - began < LATER_RUN_SECONDS
    assert reported_likes(installation) == before + 1


@pytest.mark.exhaustive
def test_a_killed_process_manager_leaves_nothing_that_a_start_cannot_clear_away(
    installation: Installation,
) -> None:
    servers = [installation.states()[name].pid for name in ("nats", "postgres", "redis")]
    manager = int((installation.data / "supervisord.pid").read_text())
    os.kill(manager, signal.SIGKILL)
    waiting.wait_until("its end", lambda: "up" if installation.states() else None, RECOVERY_SECONDS)
    assert {process.pid for process in leftovers.find(installation.data)} >= set(servers)
    assert installation.run("./start.sh", "--local", "--no-publisher").returncode == 0
    assert installation.run("./healthcheck.sh").returncode == 0
    assert [pid for pid in servers if psutil.pid_exists(pid) and processes.alive([psutil.Process(pid)])] == []


def test_the_logs_of_one_service_are_shown(installation: Installation) -> None:
    assert "service_starting" in installation.run("./start.sh", "logs", "gateway").stdout
    unknown = installation.run("./start.sh", "logs", "nobody")
    assert unknown.returncode == 2
    assert "facebook-collector" in unknown.stderr


def test_a_taken_port_is_named_with_the_variable_that_changes_it(tmp_path: Path) -> None:
    other = new_installation(tmp_path)
    with socket.socket() as somebody:
        somebody.bind((ports.LOOPBACK, other.port("REPORTER_PORT")))
        somebody.listen()
        refused = other.run("./start.sh", "--local", "--no-publisher")
    assert refused.returncode == 1
    assert "REPORTER_PORT" in refused.stderr
    assert str(other.port("REPORTER_PORT")) in refused.stderr
    assert other.processes() == []


@pytest.mark.exhaustive
def test_a_wrong_setting_ends_the_start_at_once_with_its_name(tmp_path: Path) -> None:
    other = new_installation(tmp_path)
    other.environ["LOG_LEVEL"] = "loud"
    try:
        refused = other.run("./start.sh", "--local", "--no-publisher")
    finally:
        other.run("./start.sh", "stop")
    assert refused.returncode == 1
    assert "LOG_LEVEL" in refused.stderr
    assert other.processes() == []


def test_without_an_engine_containers_are_refused_with_the_reason(tmp_path: Path) -> None:
    other = new_installation(tmp_path)
    other.environ["DOCKER_HOST"] = f"unix://{tmp_path}/nobody"
    refused = other.run("./start.sh", "--docker")
    assert refused.returncode == 1
    assert "engine" in refused.stderr or "docker" in refused.stderr
    assert other.processes() == []
