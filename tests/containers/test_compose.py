"""docker-compose.yml for real: up, used, scaled, broken, down and up again. One project, in the order of the file."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ops.container import compose as calling
from ops.container import order
from ops.local import waiting
from tests.containers.project import IMAGE, READY_SECONDS, Project, project

pytestmark = [
    pytest.mark.skipif(os.environ.get("CONTAINERS") != "1", reason="tests/containers/run.sh runs these"),
    pytest.mark.timeout(900),
]

SIZE_LIMIT = 400_000_000
EVENTS = 2_000
KILLED = ("nats", "postgres", "redis", *order.PROGRAMS, "prometheus")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project("sluice-test", tmp_path_factory.mktemp("containers")) as made:
        made.call("up", "-d", "--scale", "publisher=0")
        yield made


def test_everything_becomes_healthy(system: Project) -> None:
    system.await_healthy()


def test_the_image_is_small() -> None:
    size = calling.inspect([IMAGE])[0]["Size"]
    assert size < SIZE_LIMIT, f"{size / 1e6:.0f} MB"


@pytest.mark.parametrize("service", order.PROGRAMS)
def test_a_program_is_confined(system: Project, service: str) -> None:
    [container] = system.containers(service)
    found = calling.inspect([container.id])[0]["HostConfig"]
    assert found["ReadonlyRootfs"]
    assert found["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in found["SecurityOpt"]
    assert found["Memory"] > 0
    script = "id -u; touch /app/x /opt/sluice/x /etc/x; touch /tmp/x && echo written; grep CapEff /proc/self/status"
    said = system.run("docker", "exec", container.id, "sh", "-c", script)
    assert said.stdout.split() == ["10001", "written", "CapEff:", "0000000000000000"]
    assert said.stderr.count("Read-only file system") == 3


def test_a_program_has_an_init_and_ends_in_good_order(system: Project) -> None:
    [container] = system.containers("alerts")
    assert "init" in system.run("docker", "exec", container.id, "cat", "/proc/1/cmdline").stdout
    system.call("stop", "alerts")
    [container] = system.containers("alerts")
    assert container.exit_code == 0
    assert any("service_stopped" in line for line in calling.last_lines(container.id))
    system.call("up", "-d", "--no-deps", "alerts")
    system.await_healthy("alerts")


def test_what_is_published_is_in_the_reports(system: Project) -> None:
    before = system.reported()
    accepted = system.publish("--count", str(EVENTS), "--rate", "0")
    assert accepted > EVENTS * 0.9
    system.await_reported(before + accepted)


def test_pages_of_the_api_come_with_their_scripts(system: Project) -> None:
    assert httpx.get(f"{system.url('GATEWAY_PORT')}/api", timeout=30).status_code == 200
    assert (
        httpx.get(f"{system.url('GATEWAY_PORT')}/api/assets/swagger-ui-bundle.js", timeout=30).status_code
        == 200
    )


def test_prometheus_scrapes_every_program(system: Project) -> None:
    def problem() -> str | None:
        answer = httpx.get(
            f"{system.url('PROMETHEUS_PORT')}/api/v1/query", params={"query": "up"}, timeout=30
        )
        up = {
            row["metric"].get("service") for row in answer.json()["data"]["result"] if row["value"][1] == "1"
        }
        sources = ("facebook", "tiktok", "social", "custom")
        missing = {"gateway", "reporter", "alerts", *(f"{source}-collector" for source in sources)} - up
        return f"{missing} not up" if missing else None

    waiting.wait_until("prometheus", problem, READY_SECONDS)


def test_three_collectors_share_the_work(system: Project) -> None:
    system.call("up", "-d", "--no-deps", "--scale", "fb-collector=3", "fb-collector")
    system.await_healthy("fb-collector")
    collectors = system.containers("fb-collector")
    assert len(collectors) == 3
    before = [system.stats(collector, 3002)["stored"] for collector in collectors]
    total = system.reported()
    accepted = system.publish("--count", "6000", "--rate", "600", "--batch-size", "10")
    system.await_reported(total + accepted)
    stored = [
        system.stats(collector, 3002)["stored"] - earlier
        for collector, earlier in zip(collectors, before, strict=True)
    ]
    assert all(stored), stored
    system.call("up", "-d", "--no-deps", "--scale", "fb-collector=1", "fb-collector")


@pytest.mark.parametrize("service", KILLED)
def test_what_is_killed_comes_back_and_nothing_is_lost(system: Project, service: str) -> None:
    before = system.reported()
    [container] = system.containers(service)
    system.kill(container)

    def problem() -> str | None:
        [after] = system.containers(service)
        return None if after.restarts > container.restarts and after.ready else after.detail

    waiting.wait_until(service, problem, READY_SECONDS)
    system.await_healthy()
    accepted = system.publish("--count", "300", "--rate", "0")
    system.await_reported(before + accepted)


def test_down_and_up_keep_the_data(system: Project) -> None:
    before = system.reported()
    system.call("down")
    assert system.containers("postgres") == []
    system.call("up", "-d", "--scale", "publisher=0")
    system.await_healthy()
    assert system.reported() == before
    accepted = system.publish("--count", "300", "--rate", "0")
    system.await_reported(before + accepted)


def test_the_scripts_know_that_everything_is_in_containers(system: Project) -> None:
    before = system.reported()
    started = system.run("./start.sh", "--docker", "--no-publisher")
    assert "Sluice is ready" in started.stdout
    assert [line.split()[0] for line in system.run("./healthcheck.sh").stdout.splitlines()] == [
        "ready"
    ] * len(KILLED)
    assert "facebook" in system.run("./sluice", "status").stdout
    assert "service_starting" in system.run("./start.sh", "logs", "gateway").stdout
    assert "up to date" in system.run("./start.sh", "migrate", "status").stdout
    system.run("./start.sh", "stop")
    assert system.run("./healthcheck.sh", check=False).returncode == 1
    assert "as the last time" in system.run("./start.sh", "--no-publisher").stderr
    assert system.reported() == before


def test_a_password_that_was_changed_is_the_database_s_at_the_next_start(system: Project) -> None:
    path = Path(system.environ["SLUICE_ENV_FILE"])
    path.write_text(path.read_text().replace("POSTGRES_PASSWORD=s", "POSTGRES_PASSWORD=another"))
    before = system.reported()
    assert system.run("./start.sh", "--no-publisher").returncode == 0
    assert system.reported() == before
