"""`./start.sh`: from whatever state the machine is in to a system that is ready. Running it again changes
nothing."""

import os
from collections import defaultdict
from collections.abc import Sequence

from ops.local import database, dotenv, health, install, leftovers, ports, services, system, terminal
from ops.local.services import PUBLISHER, SERVICES, Service
from ops.local.system import System
from ops.local.waiting import NotReadyError, wait_until

SERVER_SECONDS = 60.0
"""Limit for the embedded servers: the first start of Postgres on a slow disk is the long one."""
SERVICE_SECONDS = 60.0
FAILURES = 2
"""A service that ends so many times while it starts has a fault: the servers are ready, so waiting would not help."""
MISCONFIGURED = 2
"""The exit status of a program that cannot use its settings: one such end is enough."""
STOP_MARGIN_SECONDS = 5.0
LOG_LINES = 12


class StartError(RuntimeError):
    """The start cannot go on. The first line says why, the rest helps."""


def start(*, publisher: bool, servers_only: bool) -> System:
    """Bring everything up and wait until it is ready."""
    env_file = system.env_file(os.environ)
    if dotenv.ensure(env_file, system.EXAMPLE):
        terminal.line("ok", "green", "Settings", f"made {env_file.name} with secrets of its own")
    install_due()
    found = system.describe(os.environ, choose_ports=False)
    if not found.supervisor.is_up() and (orphans := leftovers.find(found.settings.data)):
        with terminal.step(f"Clearing away {len(orphans)} leftover processes"):
            leftovers.sweep(orphans)
    local = system.describe(os.environ, choose_ports=True)
    if not servers_only:
        _check_ports(local)
    with terminal.step("NATS, Postgres, Redis"):
        _start_servers(local)
    with terminal.step("Database"):
        postgres = local.server("postgres")
        database.ensure(postgres.url)
        database.migrate(postgres.url)
    if not servers_only:
        with terminal.step("Services"):
            _start_services(local)
    if publisher and not servers_only:
        local.supervisor.start([PUBLISHER.name])
    else:
        local.supervisor.stop([PUBLISHER.name], system.SERVICE_STOP_SECONDS + STOP_MARGIN_SECONDS)
    return local


def install_due() -> None:
    """Make what is missing or out of date. See `install`."""
    for step in install.steps():
        if step.is_due():
            with terminal.step(step.name):
                step.run()


def install_for_development() -> None:
    """As `install_due`, with what checks and tests want besides. That this cannot be had is said, and no failure."""
    install_due()
    for step in install.development_steps():
        if step.is_due():
            try:
                with terminal.step(step.name):
                    step.run()
            except install.InstallError as error:
                terminal.line("WITHOUT", "yellow", step.name, str(error).splitlines()[-1])


def _start_servers(local: System) -> None:
    for server in local.servers:
        server.prepare()
    local.supervisor.apply(local.programs())
    local.supervisor.start(server.name for server in local.servers)
    dotenv.write(local.settings.connections, services.connections(local.servers))
    for server in local.servers:
        try:
            wait_until(server.name, server.problem, SERVER_SECONDS)
        except NotReadyError as error:
            raise StartError(f"{error}\n{last_lines(local, server.name)}") from None


def _start_services(local: System) -> None:
    names = {service.name for service in SERVICES}
    ended_before = {name: process.ended_at for name, process in local.supervisor.states().items()}
    local.supervisor.start(service.name for service in SERVICES)
    ends: dict[str, set[int]] = defaultdict(set)

    def problem() -> str | None:
        # On a busy machine a program may run for seconds before it comes to its fault, so its state says little.
        ended = [
            process
            for process in local.supervisor.states().values()
            if process.name in names and process.ended_at not in {0, ended_before.get(process.name)}
        ]
        for process in ended:
            ends[process.name].add(process.ended_at)
        misconfigured = [process.name for process in ended if process.exit_status == MISCONFIGURED]
        if failing := misconfigured or [name for name, times in ends.items() if len(times) >= FAILURES]:
            raise StartError(explain(local, "ends as soon as it is started", failing))
        waiting = [row.name for row in health.of_system(local) if not row.ready]
        return ", ".join(waiting) if waiting else None

    try:
        wait_until("services", problem, SERVICE_SECONDS)
    except NotReadyError:
        raise StartError(explain(local, f"not ready after {SERVICE_SECONDS:.0f} s")) from None


def explain(local: System, why: str, names: Sequence[str] = ()) -> str:
    """Which service is not ready (or those named), which of its checks fails, and the end of its log."""
    rows = [row for row in health.of_system(local) if not row.ready]
    rows = [row for row in rows if row.name in names] or rows
    parts = [f"{why}: {', '.join(row.name for row in rows)}"]
    for row in rows:
        parts += [f"{row.name}: {row.detail}", last_lines(local, row.name)]
    return "\n".join(parts)


def last_lines(local: System, name: str) -> str:
    """The end of a process's log, and where the rest is."""
    log = local.settings.logs / f"{name}.log"
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
    return "\n".join([*lines, f"(more: ./start.sh logs {name})"])


def _check_ports(local: System) -> None:
    """Name every port that somebody else has, before anything is started."""
    states = local.supervisor.states()
    taken: list[str] = []
    used: dict[int, Service] = {}
    for service in SERVICES:
        port = service.port(local.settings)
        # A service that answers already is still "STARTING" to the process manager for some seconds.
        ours = service.name in states and states[service.name].state in {"STARTING", "RUNNING"}
        if port in used:
            taken.append(f"{service.port_variable}={port} is the port of {used[port].name} as well")
        elif not ours and not ports.is_free(port):
            who = ports.holder(port)
            taken.append(_advice(service, port, f" by {who}" if who else ""))
        used[port] = service
    if taken:
        raise StartError("\n".join(["a port is taken", *taken]))


def _advice(service: Service, port: int, by: str) -> str:
    return f"port {port} for {service.name} is used{by}: set {service.port_variable} in .env to a free one"
