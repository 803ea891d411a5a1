"""Dead letters as an operator meets them: real services, a real console, a stream that is empty at the beginning."""

import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import nats
import pytest
from nats.aio.client import Client

from ops.local.binaries import ROOT
from ops.local.servers import RunningServer
from pipeline.stream import DeadLetterArchive, DeadLetters, StreamConnection, StreamPublisher, StreamSettings
from pipeline.stream.topology import ensure_topology
from tests.processes import Services, connections
from tests.streams import delete_streams

CONSOLE_SECONDS = 60


@pytest.fixture
async def streams(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def services(tmp_path: Path, nats_server: RunningServer, streams: Client) -> Iterator[Services]:
    """Gateways; a collector is given its DATABASE_URL."""
    with Services(tmp_path, connections(nats_server) | {"OPERATOR_API_KEYS": "old-key,new-key"}) as services:
        yield services


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


class Desk:
    """Keeps letters past the services, and looks at them past the console."""

    def __init__(self, connection: StreamConnection) -> None:
        self.connection = connection
        self.keeper = DeadLetters(StreamPublisher(connection))
        self.archive = DeadLetterArchive(connection, self.keeper)


@pytest.fixture
async def desk(nats_server: RunningServer, streams: Client) -> AsyncIterator[Desk]:
    """With the streams, as services make them."""
    connection = StreamConnection(StreamSettings(nats_url=nats_server.url), "test")
    await connection.open()
    await ensure_topology(connection.jetstream, connection.settings)
    yield Desk(connection)
    await connection.close()


@dataclass(frozen=True)
class Said:
    """What a run of the console has said."""

    status: int
    out: str
    err: str


Console = Callable[..., Said]


@pytest.fixture
def console(nats_server: RunningServer) -> Console:
    """Runs `python -m console dead-letters …` without a terminal."""

    def run(*arguments: str, **environment: str) -> Said:
        done = subprocess.run(
            command(arguments),
            env=console_environment(nats_server) | environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CONSOLE_SECONDS,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


LaunchConsole = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def launch_console(nats_server: RunningServer) -> Iterator[LaunchConsole]:
    """Starts a console and waits for nothing; none outlives the test."""
    launched: list[subprocess.Popen[bytes]] = []

    def launch(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command(arguments),
            env=console_environment(nats_server),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        launched.append(process)
        return process

    yield launch
    for process in launched:
        process.kill()
        process.wait()


@pytest.fixture
def console_at_a_terminal(nats_server: RunningServer) -> Console:
    """The same at a terminal that answers every question with `answer`; both outputs are the terminal's."""

    def run(*arguments: str, answer: str = "") -> Said:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            command(arguments),
            env=console_environment(nats_server) | {"TERM": "xterm-256color", "COLUMNS": "160"},
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            os.write(ours, answer.encode())
            said = b""
            try:
                while chunk := os.read(ours, 65536):
                    said += chunk
            except OSError:
                pass  # how a terminal says that nobody is at its other end any more
            status = process.wait(CONSOLE_SECONDS)
        os.close(ours)
        return Said(status, said.decode(), "")

    return run


def command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "console", "dead-letters", *arguments]


def console_environment(server: RunningServer) -> dict[str, str]:
    return {**os.environ, **connections(server), "COLUMNS": "160", "NO_COLOR": ""}
