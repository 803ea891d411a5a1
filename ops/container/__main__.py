"""`python -m ops.container <command>`: what start.sh, healthcheck.sh and sluice hand over to in containers.

choose [arguments of start.sh]    prints `docker` or `local`, and why on the other channel
"""

import argparse
import contextlib
import os
import sys

from ops.container import compose, configuration, mode, order, start, summary, terminal
from ops.container.compose import Compose, ComposeError
from ops.container.start import StartError
from ops.local import lock

COMMANDS = ("start", "stop", "status", "logs", "run", "migrate", "healthcheck", "install", "console")
LOG_LINES = "50"
ENTRY_POINT = "/app/ops/container/entrypoint.sh"


class UnusableError(RuntimeError):
    """Containers are wanted and cannot be used here."""


def parser() -> argparse.ArgumentParser:
    """The command line of start.sh in containers."""
    main = argparse.ArgumentParser(prog="./start.sh", description="Run Sluice in containers.")
    commands = main.add_subparsers(dest="command", metavar="{start,stop,status,logs,run,migrate}")
    begin = commands.add_parser("start", help="start everything and wait until it is ready (the default)")
    begin.add_argument("--no-publisher", action="store_true", help="do not send made-up events")
    begin.add_argument("--servers-only", action="store_true", help="only NATS, Postgres and Redis, migrated")
    begin.add_argument(
        "--scale", action="append", default=[], metavar="SERVICE=N", help="so many containers of a service"
    )
    begin.add_argument("--docker", action="store_true", help="in containers")
    commands.add_parser("stop", help="stop everything; data stays")
    commands.add_parser("status", help="what runs, and since when")
    show = commands.add_parser("logs", help="the last log lines of one service, or of all")
    show.add_argument("service", nargs="?", help="for example gateway")
    show.add_argument("-f", "--follow", action="store_true", help="go on showing new lines")
    within = commands.add_parser(
        "run", help="a command with the environment of a service, in a container of its own"
    )
    within.add_argument("program", nargs=argparse.REMAINDER, help="the command and its arguments")
    migrate = commands.add_parser("migrate", help="apply what migrations are missing, while all goes on")
    migrate.add_argument(
        "prisma", nargs=argparse.REMAINDER, help="or another command of prisma migrate: status, resolve …"
    )
    commands.add_parser("healthcheck")
    console = commands.add_parser("console", add_help=False)
    console.add_argument("rest", nargs=argparse.REMAINDER)
    return main


def choose(given: list[str]) -> str:
    """The mode for these arguments of start.sh; a start's is said and remembered."""
    found = configuration.read(os.environ)
    last = mode.remembered(found.data)
    command = given[0] if given and given[0] in COMMANDS else "start"
    if command != "start" or {"-h", "--help"} & set(given):
        return last or mode.LOCAL

    def problem() -> str:
        usable = compose.find(found)
        return usable if isinstance(usable, str) else ""

    choice = mode.choose(given, last, problem)
    name = "in containers" if choice.mode == mode.DOCKER else "without containers"
    terminal.line("ok", "green", f"Start {name}", choice.why)
    if last == mode.DOCKER and choice.mode == mode.LOCAL:
        _stop(_usable(found))
    mode.remember(found.data, choice.mode)
    return choice.mode


def run(arguments: argparse.Namespace) -> int:
    """Carry out one command. Returns the exit status."""
    found = configuration.read(os.environ)
    command: str = arguments.command
    if command == "start":
        return _start(found, arguments)
    called = _usable(found)
    if command == "stop":
        _stop(called)
        print("Stopped. The data stays.")
        return 0
    if command == "status":
        return called.become("ps")
    if command == "logs":
        name = order.LOCAL_NAMES.get(arguments.service, arguments.service)
        follow = ("--follow",) if arguments.follow else ()
        return called.become("logs", "--tail", LOG_LINES, *follow, *((name,) if name else ()))
    once = ("run", "--rm", "--no-deps", *(() if sys.stdin.isatty() and sys.stdout.isatty() else ("-T",)))
    if command == "run":
        return called.become(*once, "--entrypoint", ENTRY_POINT, "console", *arguments.program)
    if command == "migrate":
        return called.become(*once, order.MIGRATE, "migrate", *arguments.prisma)
    if command == "console":
        return called.become(*once, "console", *arguments.rest)
    return 0 if summary.health(called) else 1


def _start(found: configuration.Configuration, arguments: argparse.Namespace) -> int:
    found.data.mkdir(parents=True, exist_ok=True)
    with lock.held(found.data, lambda: print("Another start or stop is at work: waiting for it to finish.")):
        start.settle(found)
        called = _usable(found)
        well = start.start(
            called,
            found.data,
            publisher=not arguments.no_publisher,
            servers_only=arguments.servers_only,
            scale=arguments.scale,
        )
    if not arguments.servers_only:
        summary.ready(configuration.read(os.environ), called)
    return 0 if well else 1


def _stop(called: Compose) -> None:
    with terminal.step("Stopping containers"):
        called.run("stop")


def _usable(found: configuration.Configuration) -> Compose:
    usable = compose.find(found)
    if isinstance(usable, str):
        raise UnusableError(
            f"{usable}\nthe last start was in containers; ./start.sh --local starts without, on data of its own"
        )
    return usable


def main() -> int:
    """Parse, run, and turn an expected failure into a message."""
    given = sys.argv[1:]
    try:
        if given[:1] == ["choose"]:
            with contextlib.redirect_stdout(sys.stderr):  # what people read goes beside what start.sh reads
                chosen = choose(given[1:])
            print(chosen)
            return 0
        known = {*COMMANDS, "-h", "--help"}
        return run(parser().parse_args(given if given and given[0] in known else ["start", *given]))
    except (ComposeError, StartError, UnusableError) as error:
        terminal.failure(str(error))
    except KeyboardInterrupt:
        terminal.failure("interrupted\nwhat has started goes on: ./start.sh stop")
    return 1


if __name__ == "__main__":
    sys.exit(main())
