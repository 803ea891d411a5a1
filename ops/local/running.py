"""A server as a child process of the caller: for tests and benchmarks, which also want to break it."""

import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from ops.local.embedded import EmbeddedServer
from ops.local.processes import wait_gone
from ops.local.waiting import NotReadyError, wait_until

READY_SECONDS = 30.0
"""How long a server may take to become ready. Postgres after a kill waits for its old backends to go."""

LOG_LINES = 15


class RunningServer:
    """One started server. Use `running()`, which also stops it.

    `kill`, `pause` and `resume` are what a fault test needs; `start` after `kill` waits until the server
    is ready again.
    """

    def __init__(self, server: EmbeddedServer, log: Path) -> None:
        self.server = server
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect, password included."""
        return self.server.url

    @property
    def pid(self) -> int:
        """Process id of the server itself (of Postgres: the postmaster)."""
        if self._process is None:
            raise RuntimeError(f"{self.server.name} is not running")
        return self._process.pid

    def start(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Start and wait until ready. A process that exits meanwhile is started again, as a process
        manager would."""
        self.server.prepare()
        try:
            wait_until(self.server.name, self._problem, timeout_seconds)
        except NotReadyError as error:
            self.stop()
            raise NotReadyError(f"{error}\n{self.last_lines()}") from None

    def kill(self) -> None:
        """SIGKILL, as by the out-of-memory killer. Connections break; the data stays as it is on disk."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._signal_all(signal.SIGCONT)

    def restart(self) -> None:
        """An orderly stop and start."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop in good order; after the server's limit, kill it and its children. Does nothing when it is
        not running."""
        if self._process is None:
            return
        family = self._family()
        with suppress(ProcessLookupError):
            self._signal_all(signal.SIGCONT)
            os.kill(self.pid, self.server.stop_signal)
        try:
            self._process.wait(self.server.stop_seconds)
        except subprocess.TimeoutExpired:
            for process in family:
                with suppress(psutil.Error):
                    process.kill()
        self._reap()
        wait_gone(family, self.server.stop_seconds)

    def last_lines(self) -> str:
        """The end of the server's log."""
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])
            if self.log.exists()
            else ""
        )

    def _problem(self) -> str | None:
        if self._process is None or self._process.poll() is not None:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self.server.command,
                    env={**os.environ, **self.server.environment},
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for the caller, who then stops the server in order
                )
        answer = self.server.problem()
        return "exited" if answer is None and self._process.poll() is not None else answer

    def _family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self._family():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None


@contextmanager
def running(server: EmbeddedServer) -> Generator[RunningServer]:
    """Start a server, wait until it is ready, and stop it at the end, whatever was done to it meanwhile."""
    process = RunningServer(server, server.directory.with_name(f"{server.name}.log"))
    process.start()
    try:
        yield process
    finally:
        process.stop()
