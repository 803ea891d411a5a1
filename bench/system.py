"""Servers and services of the benchmark's own: private ports, private folder, the configuration of a local start."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.children import Child, ended_at_last
from bench.guard import GUARD
from ops.local import asking, database, servers, services
from ops.local.embedded import EmbeddedServer
from ops.local.ports import LOOPBACK, choose_free
from ops.local.postgres_server import DEFAULT_VERSION
from ops.local.services import GATEWAY, REPORTER, SERVICES, Service
from ops.local.settings import LocalSettings
from ops.local.waiting import wait_until

READY_SECONDS = 60.0


@dataclass(frozen=True)
class System:
    """What runs. `roots` are the processes by name, for the meter."""

    folder: Path
    settings: LocalSettings
    servers: Sequence[EmbeddedServer]
    roots: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def database_url(self) -> str:
        return self._url("postgres")

    @property
    def nats_url(self) -> str:
        return self._url("nats")

    @property
    def redis_url(self) -> str:
        return self._url("redis")

    @property
    def endpoint(self) -> str:
        """Where events are sent to."""
        return f"{self.url_of(GATEWAY)}/events"

    def url_of(self, service: Service) -> str:
        return f"http://{LOOPBACK}:{service.port(self.settings)}"

    @property
    def reporter_url(self) -> str:
        return self.url_of(REPORTER)

    def _url(self, name: str) -> str:
        return next(server.url for server in self.servers if server.name == name)


@contextmanager
def temporary_folder() -> Generator[Path]:
    """A folder that the account of Postgres can pass through, too."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_servers(names: Sequence[str] = ("nats", "postgres", "redis")) -> Generator[System]:
    """The embedded servers, the database created and migrated."""
    makers = {"nats": servers.nats, "postgres": servers.postgres, "redis": servers.redis}
    with temporary_folder() as folder, ExitStack() as stack:
        running = [stack.enter_context(servers.running(makers[name](folder))) for name in names]
        system = System(folder, _settings(folder), [server.server for server in running])
        for server in running:
            system.roots[server.server.name] = server.pid
            GUARD.watch(server.pid)
        database.ensure(system.database_url)
        database.migrate(system.database_url)
        yield system


@contextmanager
def running_system() -> Generator[System]:
    """The whole pipeline: the servers and every service, ready."""
    started: list[Child] = []
    with running_servers() as system, ended_at_last(started):
        for service in SERVICES:
            environment = services.environment(service, system.settings, system.servers)
            child = Child(service.name, service.command, environment, system.folder)
            started.append(child)
            system.roots[service.name] = child.pid
        for service, child in zip(SERVICES, started, strict=True):
            wait_until_ready(child, service.port(system.settings))
        yield system


def wait_until_ready(child: Child, port: int) -> None:
    """Until the service says that it is ready. Raises RuntimeError with the end of its log."""

    def problem() -> str | None:
        if child.has_ended:
            raise RuntimeError(f"{child.name} has ended:\n{child.last_lines()}")
        answer = asking.http_get(port, "/health/ready")
        if isinstance(answer, str):
            return answer
        return None if answer.status == 200 else str(answer.body)

    wait_until(child.name, problem, READY_SECONDS)


def _settings(folder: Path) -> LocalSettings:
    """The environment as it is, so that settings can be tried out, with ports and a secret of our own."""
    ports: set[int] = set()
    values = {**os.environ, "JWT_SECRET": secrets.token_hex(16)}
    for service in SERVICES:
        port = choose_free(ports)
        ports.add(port)
        values[service.port_variable] = str(port)
    return LocalSettings(folder, DEFAULT_VERSION, values)
