"""Docker Compose, of either generation: `docker compose` (2) or `docker-compose` (1.29)."""

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ops.container.configuration import ROOT, Configuration

DOCKER = "docker"
"""The engine's client, wherever it is on the path."""
ASKING_SECONDS = 20.0
COMMAND_SECONDS = 900.0
"""A first build fetches packages, and a first start images."""
LAST_LINES = 15


class ComposeError(RuntimeError):
    """A command failed. The first line says which, the rest is the end of what it printed."""


@dataclass(frozen=True)
class Compose:
    """How Compose is called here. Files and project are its own business: COMPOSE_FILE, COMPOSE_PROJECT_NAME."""

    command: tuple[str, ...]
    version: str
    project: str

    @property
    def first_generation(self) -> bool:
        """Whether it is `docker-compose` 1."""
        return self.version.startswith("1.")

    def run(self, *arguments: str, timeout_seconds: float = COMMAND_SECONDS) -> str:
        """Run a command and return what it printed. Raises ComposeError."""
        try:
            done = subprocess.run(
                (*self.command, *arguments),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ComposeError(
                f"docker compose {arguments[0]} did not end within {timeout_seconds:.0f} s"
            ) from None
        if done.returncode != 0:
            said = [text for text in (done.stdout + done.stderr).splitlines() if text.strip()]
            raise ComposeError("\n".join([f"docker compose {' '.join(arguments)}", *said[-LAST_LINES:]]))
        return done.stdout

    def become(self, *arguments: str) -> int:
        """Run a command in this terminal. Returns its exit status."""
        return subprocess.run((*self.command, *arguments), cwd=ROOT, check=False).returncode

    def services(self) -> list[str]:
        """The services of the compose files, without those whose profile is not asked for."""
        if not self.first_generation:
            return self.run("config", "--services").split()
        return without_profile(self.run("config"))

    def ids(self, service: str) -> list[str]:
        """The containers of a service, also those that have ended. The engine is quicker to ask than Compose."""
        labels = {"project": self.project, "service": service, "oneoff": "False"}
        filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return _output(DOCKER, "ps", "--all", "--quiet", "--no-trunc", *filters).split()


def find(configuration: Configuration) -> Compose | str:
    """Compose, or in a few words why containers cannot be used here."""
    env_file = configuration.env_file
    problem = _engine_problem()
    if problem:
        return problem
    for command in (("docker", "compose"), ("docker-compose",)):
        version = _output(*command, "version", "--short")
        if version:
            options = ("--env-file", str(env_file)) if env_file.exists() else ()
            name = configuration.get("COMPOSE_PROJECT_NAME", ROOT.name).lower()
            return Compose((*command, *options), version.removeprefix("v"), re.sub("[^-_a-z0-9]", "", name))
    return "there is neither `docker compose` nor `docker-compose`"


def inspect(ids: Sequence[str]) -> list[dict[str, Any]]:
    """Everything that the engine knows about containers; one that is gone is left out."""
    if not ids:
        return []
    done = subprocess.run(
        (DOCKER, "inspect", *ids), capture_output=True, text=True, timeout=ASKING_SECONDS, check=False
    )
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found


def last_lines(container: str, lines: int = LAST_LINES) -> list[str]:
    """The end of a container's log."""
    command = (DOCKER, "logs", "--tail", str(lines), container)
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ASKING_SECONDS,
        check=False,
    )
    return done.stdout.splitlines()


def without_profile(text: str) -> list[str]:
    """The services in what `docker-compose config` prints, which shows those of every profile."""
    _, _, below = (
        text.partition("\nservices:\n")
        if not text.startswith("services:\n")
        else text.partition("services:\n")
    )
    services: dict[str, bool] = {}
    for line in below.splitlines():
        if not line.startswith(" "):
            break  # the next section
        if line.startswith("  ") and line[2] != " ":
            services[line.strip().rstrip(":")] = True
        elif line.startswith("    profiles:"):
            services[list(services)[-1]] = False
    return [name for name, wanted in services.items() if wanted]


def _engine_problem() -> str:
    try:
        done = subprocess.run(
            (DOCKER, "version", "--format", "{{.Server.Version}}"),
            capture_output=True,
            text=True,
            timeout=ASKING_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return "there is no `docker` here"
    except subprocess.TimeoutExpired:
        return "the container engine does not answer"
    return "" if done.returncode == 0 else "no container engine answers"


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_SECONDS, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
