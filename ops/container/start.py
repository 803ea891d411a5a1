"""`./start.sh` in containers: from whatever state the machine is in to a system that is ready.

Running it again changes nothing."""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.container import containers, order, terminal
from ops.container.compose import Compose, ComposeError
from ops.container.configuration import EXAMPLE, ROOT, Configuration
from ops.local import dotenv
from ops.local.waiting import NotReadyError, wait_until

SERVER_SECONDS = 120.0
MIGRATE_SECONDS = 180.0
PROGRAM_SECONDS = 120.0
MONITORING_SECONDS = 180.0
"""Grafana fetches a plug-in at its first start."""
STOP_SECONDS = 120.0


class StartError(RuntimeError):
    """The start cannot go on. The first line says why, the rest helps."""


@dataclass(frozen=True)
class Starting:
    """How services are started: alone, since they are waited for in order anyhow; but where an overlay has put
    something before them (certificates, roles), Compose starts that first."""

    compose: Compose
    with_dependencies: bool

    def up(self, services: Sequence[str], scale: Sequence[str] = ()) -> None:
        """Create and start these."""
        alone = () if self.with_dependencies else ("--no-deps",)
        counts = [part for each in scale for part in ("--scale", each)]
        self.compose.run("up", "-d", "--no-build", *alone, *counts, *services)


def settle(configuration: Configuration) -> None:
    """Make `.env`, or add the secrets of servers to one that was made without them."""
    name = configuration.env_file.name
    if dotenv.ensure(configuration.env_file, EXAMPLE):
        terminal.line("ok", "green", "Settings", f"made {name} with secrets of its own")
    elif added := dotenv.add_missing(configuration.env_file, dotenv.SERVER_SECRETS):
        terminal.line("ok", "green", "Settings", f"added to {name}: {', '.join(added)}")


def stop_local(data: Path) -> None:
    """Stop a start without containers, whose ports we are about to take."""
    python = ROOT / ".venv" / "bin" / "python"
    if not (data / "supervisord.pid").exists() or not python.exists():
        return
    with terminal.step("Stopping the local start"):
        command = (str(python), "-m", "ops.local", "stop")
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=STOP_SECONDS, check=False
        )
    if done.returncode != 0:
        raise StartError(f"the local start does not stop\n{(done.stdout + done.stderr).strip()}")


def start(compose: Compose, data: Path, *, publisher: bool, servers_only: bool, scale: Sequence[str]) -> bool:
    """Bring everything up in order, each waited for. Returns False when only the monitoring is not well.

    What runs already with the same settings goes on; what has changed is stopped and made anew by Compose.
    """
    services = compose.services()
    starting = Starting(compose, with_dependencies=bool(order.unknown(services)))
    # before anything is stopped: what runs goes on meanwhile, and a build that fails harms nobody
    with terminal.step("Image"):
        compose.run("build", order.MIGRATE)
    stop_local(data)
    servers = order.present(order.SERVERS, services)
    with terminal.step("NATS, Postgres, Redis"):
        starting.up(servers)
        await_ready(compose, servers, SERVER_SECONDS)
        if not starting.with_dependencies:  # an overlay that adds services has ways of its own with passwords
            align_password(compose)
    with terminal.step("Database"):
        starting.up([order.MIGRATE])
        await_done(compose, order.MIGRATE, MIGRATE_SECONDS)
    if servers_only:
        compose.run("stop", order.PUBLISHER, *order.present(order.PROGRAMS, services))
        return True
    programs = order.present(order.PROGRAMS, services)
    with terminal.step("Services"):
        starting.up(programs, scale)
        await_ready(compose, programs, PROGRAM_SECONDS)
    watched = _monitoring(starting, order.present(order.MONITORING, services))
    if publisher and order.PUBLISHER in services:
        starting.up([order.PUBLISHER])
    else:
        compose.run("stop", order.PUBLISHER)
    return watched


def await_ready(compose: Compose, services: Iterable[str], timeout_seconds: float) -> None:
    """Wait until each is ready. Raises StartError with the reason and the last lines of the log of one that is late."""
    for service in services:
        late: list[containers.Container] = []

        def problem(service: str = service, late: list[containers.Container] = late) -> str | None:
            found = containers.of_service(compose, service)
            late[:] = [container for container in found if not container.ready]
            if failing := [container for container in late if container.failing]:
                raise StartError(f"{service} ends as soon as it is started\n{containers.explain(failing[0])}")
            if not found:
                return "there is no container"
            return ", ".join(f"{container.name} {container.detail}" for container in late) or None

        try:
            wait_until(service, problem, timeout_seconds)
        except NotReadyError as error:
            raise StartError("\n".join([str(error), *map(containers.explain, late)])) from None


def await_done(compose: Compose, service: str, timeout_seconds: float) -> None:
    """Wait until a program that runs once has ended well. Raises StartError with the end of its log otherwise."""

    def problem() -> str | None:
        found = containers.of_service(compose, service)
        for container in found:
            if container.failing:
                raise StartError(f"{service} failed\n{containers.explain(container)}")
        return None if found and all(container.done for container in found) else f"{service} is still at work"

    try:
        wait_until(service, problem, timeout_seconds)
    except NotReadyError as error:
        raise StartError(str(error)) from None


def align_password(compose: Compose) -> None:
    """Give the database the password of the settings: it has the one with which its volume was made."""
    statement = (
        'psql --no-psqlrc -qX -v ON_ERROR_STOP=1 -v password="$POSTGRES_PASSWORD" -U sluice -d sluice '
        "<<< \"ALTER ROLE sluice PASSWORD :'password'\""
    )
    compose.run("exec", "-T", "postgres", "bash", "-c", statement)


def _monitoring(starting: Starting, services: Sequence[str]) -> bool:
    """The pipeline does not need it, so it may fail by itself: said, and shown by the exit status."""
    try:
        with terminal.step("Monitoring"):
            starting.up(services)
            await_ready(
                starting.compose,
                [name for name in services if name not in order.ONE_SHOT],
                MONITORING_SECONDS,
            )
    except (ComposeError, StartError) as error:
        terminal.failure(f"monitoring: {error}")
        return False
    return True
