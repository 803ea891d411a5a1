"""The whole local system of one data folder: its servers, its services, its process manager."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.local import dotenv, nats_server, postgres_server, redis_server, services, settings, state
from ops.local.binaries import ROOT
from ops.local.embedded import EmbeddedServer
from ops.local.services import Service
from ops.local.settings import LocalSettings
from ops.local.supervision import Supervisor
from ops.local.supervisor_config import Program

EXAMPLE = ROOT / ".env.example"
SERVER_PRIORITY, SERVICE_PRIORITY, PUBLISHER_PRIORITY = 10, 20, 30
SERVICE_STOP_SECONDS = 20
SERVICE_SETTLED_SECONDS = 5
"""Longer than a service takes to read its settings and connect on a slow machine."""


@dataclass(frozen=True)
class System:
    """What there is to run. Nothing is started by describing it."""

    settings: LocalSettings
    servers: Sequence[EmbeddedServer]
    supervisor: Supervisor

    def server(self, name: str) -> EmbeddedServer:
        """The server of that name."""
        return next(server for server in self.servers if server.name == name)

    def programs(self) -> list[Program]:
        """Servers, services and publisher as the process manager wants them."""
        kept = [
            Program(
                name=server.name,
                command=server.command,
                environment=server.environment,
                priority=SERVER_PRIORITY,
                stop_signal=server.stop_signal.name.removeprefix("SIG"),
                stop_seconds=int(server.stop_seconds),
                directory=self.settings.data,
            )
            for server in self.servers
        ]
        kept += [self._program(service, SERVICE_PRIORITY) for service in services.SERVICES]
        return [*kept, self._program(services.PUBLISHER, PUBLISHER_PRIORITY)]

    def _program(self, service: Service, priority: int) -> Program:
        return Program(
            name=service.name,
            command=service.command,
            environment=services.environment(service, self.settings, self.servers),
            priority=priority,
            stop_seconds=SERVICE_STOP_SECONDS,
            settled_seconds=SERVICE_SETTLED_SECONDS,
        )


def env_file(environ: Mapping[str, str]) -> Path:
    """`.env`; SLUICE_ENV_FILE names another, so that tests leave a person's own alone."""
    return Path(environ.get("SLUICE_ENV_FILE") or ROOT / ".env")


def values(environ: Mapping[str, str]) -> dict[str, str]:
    """Every setting: those of the environment on top of those of `.env`."""
    return dotenv.load(env_file(environ), EXAMPLE, environ)


def describe(environ: Mapping[str, str], *, choose_ports: bool) -> System:
    """The system of this checkout. `choose_ports` for a start; everybody else takes the ports that the
    start chose."""
    local = settings.read(values(environ))
    supervisor = Supervisor(local)
    remembered = state.load(local.data)
    if choose_ports:
        running = [name for name, process in supervisor.states().items() if process.state == "RUNNING"]
        remembered = state.with_ports(remembered, running)
        state.save(local.data, remembered)
    return System(local, _servers(local, remembered), supervisor)


def _servers(local: LocalSettings, known: state.State) -> list[EmbeddedServer]:
    return [
        nats_server.describe(
            local.data / "nats",
            port=known.nats_port,
            monitor_port=known.nats_monitor_port,
            password=known.nats_password,
        ),
        postgres_server.describe(
            local.data / "postgres",
            port=known.postgres_port,
            password=known.postgres_password,
            version=local.postgres_version,
        ),
        redis_server.describe(local.data / "redis", port=known.redis_port, password=known.redis_password),
    ]
