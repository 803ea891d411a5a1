"""`python -m ops.local <command>`: what start.sh and healthcheck.sh hand over to."""

import argparse
import os
import sys

from ops.local import database, health, lock, logs, settings, start, stop, summary, system, terminal
from ops.local.account import AccountError
from ops.local.binaries import MissingExecutableError
from ops.local.database import DatabaseError
from ops.local.install import InstallError
from ops.local.postgres_server import PostgresError
from ops.local.prisma_cli import PrismaError
from ops.local.services import PUBLISHER, SERVICES, environment
from ops.local.waiting import NotReadyError

EXPECTED = (
    start.StartError,
    settings.SettingsError,
    AccountError,
    DatabaseError,
    InstallError,
    MissingExecutableError,
    NotReadyError,
    PostgresError,
    PrismaError,
)
"""Failures whose text is meant for the person in front of the terminal. Any other is a bug and shows
where."""


def parser() -> argparse.ArgumentParser:
    """The command line of start.sh."""
    main = argparse.ArgumentParser(prog="./start.sh", description="Run Sluice on this machine.")
    commands = main.add_subparsers(dest="command", metavar="{start,stop,status,logs,run,migrate}")
    begin = commands.add_parser("start", help="start everything and wait until it is ready (the default)")
    begin.add_argument("--no-publisher", action="store_true", help="do not send made-up events")
    begin.add_argument("--servers-only", action="store_true", help="only NATS, Postgres and Redis, migrated")
    begin.add_argument("--local", action="store_true", help="without containers, which is what happens here")
    commands.add_parser("stop", help="stop everything; data stays")
    commands.add_parser("status", help="what runs, and since when")
    show = commands.add_parser("logs", help="the last log lines of one process, or of all")
    show.add_argument("service", nargs="?", help="for example gateway")
    show.add_argument("-f", "--follow", action="store_true", help="go on showing new lines")
    within = commands.add_parser(
        "run", help="a command with the environment of a service, e.g. run python -m bench"
    )
    within.add_argument("program", nargs=argparse.REMAINDER, help="the command and its arguments")
    migrate = commands.add_parser("migrate", help="apply what migrations are missing, while all goes on")
    migrate.add_argument(
        "prisma", nargs=argparse.REMAINDER, help="or another command of prisma migrate: status, resolve …"
    )
    commands.add_parser("healthcheck")
    things = commands.add_parser("install")
    things.add_argument("--development", action="store_true", help="and what checks and tests want besides")
    return main


def run(arguments: argparse.Namespace) -> int:
    """Carry out one command. Returns the exit status."""
    command: str = arguments.command
    if command == "install":
        if arguments.development:
            start.install_for_development()
        else:
            start.install_due()
        return 0
    if command == "start":
        return _start(arguments)
    local = system.describe(os.environ, choose_ports=False)
    if command == "healthcheck":
        rows = health.of_system(local)
        for row in rows:
            ready_style = "yellow" if row.degraded else "green"
            mark, style = ("ready", ready_style) if row.ready else ("NOT", "bold red")
            terminal.line(mark, style, row.name, row.detail if row.ready else f"not ready: {row.detail}")
        return 0 if all(row.ready for row in rows) else 1
    if command == "logs":
        names = [*(server.name for server in local.servers), *(s.name for s in (*SERVICES, PUBLISHER))]
        if arguments.service and arguments.service not in names:
            terminal.failure(f"there is no {arguments.service}\nthere are: {', '.join(names)}")
            return 2
        logs.show(local, [arguments.service] if arguments.service else names, follow=arguments.follow)
        return 0
    if command == "run":
        return _run_program(local, arguments.program)
    if command == "migrate":
        terminal.out.print(
            database.prisma_migrate(local.server("postgres").url, *(arguments.prisma or ["deploy"]))
        )
        return 0
    if command == "status":
        states = local.supervisor.states()
        summary.processes(states) if states else terminal.out.print("Nothing is running.")
        return 0 if states else 3
    with lock.held(local.settings.data, _waiting):
        stopped = stop.stop(local)
    terminal.out.print("Stopped. The data stays." if stopped else "Nothing was running.")
    return 0


def _start(arguments: argparse.Namespace) -> int:
    with lock.held(settings.read(system.values(os.environ)).data, _waiting):
        local = start.start(publisher=not arguments.no_publisher, servers_only=arguments.servers_only)
    if arguments.servers_only:
        summary.servers_ready(local)
    else:
        summary.ready(local)
    return 0


def _run_program(local: system.System, program: list[str]) -> int:
    """Becomes the program, with every setting that a service would have."""
    if not program:
        terminal.failure("run what?\nfor example: ./start.sh run python -m publisher --help")
        return 2
    values = environment(PUBLISHER, local.settings, local.servers)
    try:
        os.execvpe(program[0], program, {**os.environ, **values})  # noqa: S606 - it is what the user asked for
    except OSError as error:
        terminal.failure(f"{program[0]}: {error.strerror}")
        return 127


def _waiting() -> None:
    terminal.out.print("Another start or stop is at work: waiting for it to finish.")


def main() -> int:
    """Parse, run, and turn an expected failure into a message."""
    given = sys.argv[1:]
    commands = {"start", "stop", "status", "logs", "run", "migrate", "healthcheck", "install", "-h", "--help"}
    arguments = parser().parse_args(given if given and given[0] in commands else ["start", *given])
    try:
        return run(arguments)
    except EXPECTED as error:
        terminal.failure(str(error))
    except KeyboardInterrupt:
        terminal.failure("interrupted\nwhat has started goes on: ./start.sh stop")
    return 1


if __name__ == "__main__":
    sys.exit(main())
