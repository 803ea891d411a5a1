"""A project of Docker Compose for a test: a name, ports, secrets and volumes of its own, all gone at the end."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from ops.container import compose as calling
from ops.container import configuration, containers, order
from ops.container.compose import Compose
from ops.container.containers import Container
from ops.local import dotenv, ports, waiting

ROOT = configuration.ROOT
PORTS = (
    "GATEWAY_PORT",
    "REPORTER_PORT",
    "ALERTS_PORT",
    "NATS_PORT",
    "POSTGRES_PORT",
    "PROMETHEUS_PORT",
    "GRAFANA_PORT",
)
READY_SECONDS = 420
COMMAND_SECONDS = 600
IMAGE = "sluice:test"


class Project:
    """Calls Compose for one project. `environ` leads every script of ours to it as well."""

    def __init__(self, name: str, folder: Path, *overlays: str) -> None:
        files = ["docker-compose.yml", *overlays]
        if _images_are_missing():
            print("\nGrafana and the exporters are left out: their images are not here")
            files.append("tests/containers/stand-ins.yml")
        chosen: set[int] = set()
        for _ in PORTS:
            chosen.add(ports.choose_free(chosen))
        self.environ = {
            **os.environ,
            "COMPOSE_FILE": ":".join(files),
            "COMPOSE_PROJECT_NAME": name,
            "SLUICE_VERSION": "test",
            "SLUICE_ENV_FILE": str(folder / ".env"),
            "SLUICE_DATA_DIR": str(folder / "data"),
            **dict(zip(PORTS, map(str, chosen), strict=True)),
        }
        dotenv.ensure(folder / ".env", ROOT / ".env.example")
        found = calling.find(configuration.read(self.environ))
        assert isinstance(found, Compose), found
        self.compose = found
        self.services = self.call("config", "--services").split()
        if found.first_generation:  # it lists those of every profile
            started = calling.without_profile(self.call("config"))
            self.services = [service for service in self.services if service in started]

    def call(self, *arguments: str) -> str:
        """What Compose prints."""
        return self.run(*self.compose.command, *arguments).stdout

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command with the environment of the project."""
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def containers(self, service: str) -> list[Container]:
        """Those of one service."""
        return containers.of_service(self.compose, service)

    def await_healthy(self, *services: str) -> None:
        """Every container of these (or of all services) runs and is healthy; what runs once has ended well."""
        for service in services or self.services:
            if service == order.PUBLISHER and not self.containers(service):
                continue

            def problem(service: str = service) -> str | None:
                found = self.containers(service)
                late = [c for c in found if not (c.done if service in order.ONE_SHOT else c.ready)]
                return (
                    ", ".join(f"{c.name} {c.detail}" for c in late)
                    if late
                    else None
                    if found
                    else "no container"
                )

            try:
                waiting.wait_until(service, problem, READY_SECONDS)
            except waiting.NotReadyError as error:
                log = "\n".join(calling.last_lines(self.containers(service)[0].id))
                raise AssertionError(f"{error}\n{log}") from None

    def url(self, variable: str) -> str:
        """A service by the variable of its port on the host."""
        return f"http://127.0.0.1:{self.environ[variable]}"

    def reported(self) -> int:
        """Events of the publisher's sources in the reports."""
        rows = httpx.get(f"{self.url('REPORTER_PORT')}/reports/events", timeout=60).json()
        return sum(row["count"] for row in rows)

    def publish(self, *arguments: str) -> int:
        """Run the publisher until everything is answered; like a provider it sends again what was answered by 503.

        Returns how many events were accepted."""
        once = (
            "run",
            "--rm",
            "--no-deps",
            "-T",
            order.PUBLISHER,
            "publisher",
            "--json",
            "--retry-deadline",
            "120",
        )
        summary: dict[str, Any] = json.loads(self.call(*once, *arguments).strip().splitlines()[-1])
        assert summary["unknown"] == 0, summary
        return summary["accepted"]

    def await_reported(self, wanted: int) -> None:
        """The reports show exactly so many events, and stay at that."""

        def problem() -> str | None:
            try:
                seen = self.reported()
            except (httpx.HTTPError, ValueError) as error:
                return repr(error)
            assert seen <= wanted, f"{seen} events in the reports, {wanted} were accepted"
            return None if seen == wanted else f"{seen} of {wanted}"

        waiting.wait_until("the reports", problem, READY_SECONDS)

    def stats(self, container: Container, port: int) -> dict[str, Any]:
        """GET /stats inside a collector's container: it has no port on the host."""
        script = f"import httpx; print(httpx.get('http://127.0.0.1:{port}/stats').text)"
        return json.loads(self.run("docker", "exec", container.id, "python", "-c", script).stdout)

    def kill(self, container: Container) -> None:
        """SIGKILL to its main process, as by the out-of-memory killer: `docker kill` would count as somebody's wish."""
        found = calling.inspect([container.id])[0]
        confined = (
            "docker",
            "run",
            "--rm",
            "--pid",
            "host",
            "--network",
            "none",
            "--user",
            "0",
            "--cap-drop",
            "ALL",
        )
        self.run(*confined, "--cap-add", "KILL", IMAGE, "sh", "-c", f"kill -9 {found['State']['Pid']}")


def _images_are_missing() -> bool:
    text = (ROOT / "docker-compose.yml").read_text()
    wanted = re.findall(r"^ *image: (\S*(?:grafana|exporter)\S*)$", text, re.MULTILINE)
    assert len(wanted) == 4
    return any(
        subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode
        for image in wanted
    )


@contextmanager
def project(name: str, folder: Path, *overlays: str) -> Iterator[Project]:
    """A project whose image is built; whatever it has made is removed at the end."""
    made = Project(name, folder, *overlays)
    made.run(*made.compose.command, "down", "--volumes", "--remove-orphans", "--timeout", "5")
    try:
        made.call("build", order.MIGRATE)
        yield made
    finally:
        made.run(
            *made.compose.command, "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False
        )
