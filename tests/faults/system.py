"""The system under test: servers of its own, the services as processes, and proxies on the way to NATS."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.guard import GUARD
from ops.local import asking, database, servers
from ops.local.servers import RunningServer
from tests.faults import questions
from tests.faults.background import Background
from tests.faults.load import Load
from tests.faults.proxy import Proxy
from tests.faults.questions import SOURCES, NotToBeAsked
from tests.processes import Process, Services, connections
from tests.servers import FAST_AND_UNSAFE

STREAM_BYTES = 256 * 1024**2
ACK_WAIT_SECONDS = 3
POLL_SECONDS = 0.1

QUICK = {
    "EVENTS_MAX_BYTES": str(STREAM_BYTES),
    # What is lost is noticed after so long: with the defaults much of a short run would be waiting.
    "ACK_WAIT_SECONDS": str(ACK_WAIT_SECONDS),
    "NATS_PING_INTERVAL_SECONDS": "1",
    "DATABASE_CONNECT_TIMEOUT_SECONDS": "2",
}

PRODUCTION = {"EVENTS_MAX_BYTES": str(4 * STREAM_BYTES)}
"""The defaults, but for a stream that can be filled within seconds."""


@dataclass
class System:
    """What runs. `background` drives the load and the proxies."""

    background: Background
    nats: RunningServer
    postgres: RunningServer
    redis: RunningServer
    services: Services
    to_nats: dict[str, Proxy]
    """`gateways`, and each source's collectors: the way to NATS of each."""
    gateways: list[Process] = field(default_factory=list[Process])
    collectors: dict[str, list[Process]] = field(default_factory=dict[str, list[Process]])
    reporters: list[Process] = field(default_factory=list[Process])

    @property
    def processes(self) -> list[Process]:
        return [*self.gateways, *(one for some in self.collectors.values() for one in some), *self.reporters]

    @property
    def all_collectors(self) -> list[Process]:
        return [one for some in self.collectors.values() for one in some]

    @property
    def servers(self) -> list[RunningServer]:
        return [self.nats, self.postgres, self.redis]

    def add_collector(self, source: str, *wrapper: str) -> Process:
        """Another one, launched and not waited for; by another program of ours if there is a wrapper."""
        url = self.to_nats[source].url(self.nats.url)
        process = self.services.program(f"{source}-collector", "collectors", source, NATS_URL=url)
        process.wrap(*wrapper)
        process.launch()
        self.collectors[source].append(process)
        GUARD.watch(process.pid)
        return process

    def add_gateway(self) -> Process:
        """Another one, launched and not waited for. The load does not know it yet."""
        process = self.services.gateway(ready=False, NATS_URL=self.to_nats["gateways"].url(self.nats.url))
        self.gateways.append(process)
        GUARD.watch(process.pid)
        return process

    def launch(self, *processes: Process) -> None:
        """Starts them again, all at once, and waits for none."""
        for process in processes:
            process.launch()
            GUARD.watch(process.pid)

    def start_server(self, server: RunningServer) -> None:
        """Back, with its data, and ready."""
        server.start()
        GUARD.watch(server.pid)

    def backlog(self) -> int:
        """Batches in the stream that are not acknowledged. Raises NotToBeAsked."""
        return questions.in_nats(self.nats.url, questions.backlog)

    def stored(self) -> dict[str, int]:
        """Events by source, as the rollups say. Raises NotToBeAsked."""

        async def ask(connection: questions.asyncpg.Connection) -> dict[str, int]:
            rows = await connection.fetch(
                "SELECT source, sum(events)::bigint FROM event_rollups WHERE bucket_seconds = 86400 GROUP BY source"
            )
            return {row[0]: row[1] for row in rows}

        return questions.in_postgres(self.postgres.url, ask)

    def is_ready(self, process: Process) -> str | None:
        """None when it is; else why not."""
        if process.exit_status is not None:
            return f"{process.name} ended with status {process.exit_status}"
        answer = asking.http_get(process.port, "/health/ready", 3)
        if isinstance(answer, str):
            return f"{process.name}: {answer}"
        return None if answer.status == 200 else f"{process.name}: {answer.body}"

    def heal(self) -> None:
        """Whatever a fault left behind is put right: nothing is stopped, dead or held back afterwards."""
        for proxy in self.to_nats.values():
            proxy.heal()
        for server in self.servers:
            if is_running(server):
                server.resume()
            else:
                self.start_server(server)
        for process in self.processes:
            if process.exit_status is None:
                process.resume()
            else:
                self.launch(process)


def is_running(server: RunningServer) -> bool:
    """Whether it was started and not killed since. One that is stopped by SIGSTOP runs."""
    try:
        return server.pid > 0
    except RuntimeError:
        return False


def wait_for(what: str, problem: Callable[[], str | None], within_seconds: float) -> float:
    """Seconds until there was no problem any more. Raises AssertionError with the last one."""
    began = time.monotonic()
    while True:
        try:
            seen = problem()
        except NotToBeAsked as error:
            seen = str(error)
        seconds = time.monotonic() - began
        if seen is None and seconds <= within_seconds:
            return seconds
        if seconds > within_seconds:
            state = "only" if seen is None else f"still not: {seen},"
            raise AssertionError(f"{what}: {state} after {seconds:.1f} s, limit {within_seconds:g} s")
        time.sleep(POLL_SECONDS)  # other processes cannot call back


@contextmanager
def running_system(
    folder: Path,
    *,
    gateways: int = 2,
    collectors: Mapping[str, int] | None = None,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Generator[System]:
    """Everything started and ready. `durable`: Postgres syncs to disk as in production."""
    with ExitStack() as stack:
        background = stack.enter_context(Background())
        nats = stack.enter_context(servers.running(servers.nats(folder)))
        GUARD.watch(nats.pid)
        postgres = stack.enter_context(
            servers.running(servers.postgres(folder, settings={} if durable else FAST_AND_UNSAFE))
        )
        GUARD.watch(postgres.pid)
        redis = stack.enter_context(servers.running(servers.redis(folder)))
        GUARD.watch(redis.pid)
        database.ensure(postgres.url)
        database.migrate(postgres.url)
        port = int(nats.url.rpartition(":")[2])
        proxies = {name: Proxy(background, port) for name in ("gateways", *SOURCES)}
        for proxy in proxies.values():
            stack.callback(proxy.close)
        environment = {**connections(nats, postgres, redis), **(QUICK if settings is None else settings)}
        services = stack.enter_context(Services(folder, environment))
        system = System(background, nats, postgres, redis, services, proxies)
        for _ in range(gateways):
            system.add_gateway()
        for source in SOURCES:
            system.collectors[source] = []
            for _ in range((collectors or {}).get(source, 1)):
                system.add_collector(source)
        reporter = services.reporter(ready=False)
        GUARD.watch(reporter.pid)
        system.reporters.append(reporter)
        for process in system.processes:
            process.wait_ready(60)
        yield system


def loaded(system: System, *, seed: int, rate: float) -> Load:
    """A load on the system's gateways, not started yet."""
    return Load(system.background, [gateway.url for gateway in system.gateways], seed=seed, rate=rate)
