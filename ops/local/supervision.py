"""The process manager (supervisord): starting it, and telling it what to do."""

import http.client
import os
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ops.local import unix_rpc
from ops.local.binaries import ROOT
from ops.local.settings import LocalSettings
from ops.local.supervisor_config import MARKER, Program, configuration
from ops.local.waiting import wait_until

START_SECONDS = 15.0
UP = {"STARTING", "RUNNING", "BACKOFF"}
"""States in which the process manager is already at it."""


@dataclass(frozen=True)
class ProcessState:
    """What the process manager knows about one process."""

    name: str
    state: str
    pid: int
    description: str
    ended_at: int
    """When it last ended, in seconds since 1970; 0 when it never did."""
    exit_status: int
    """That of its last end; 0 when it never ended."""


def _state(row: dict[str, Any]) -> ProcessState:
    return ProcessState(
        row["name"], row["statename"], row["pid"], row["description"], row["stop"], row["exitstatus"]
    )


class Supervisor:
    """Talks to the process manager of one data folder."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._config = settings.data / "supervisord.conf"
        self._rpc: Any = unix_rpc.proxy(settings.socket).supervisor

    def is_up(self) -> bool:
        """Whether it runs and answers."""
        return self._problem() is None

    def apply(self, programs: Iterable[Program]) -> None:
        """Bring the process manager up with exactly these programs; restart nothing whose settings are the
        same."""
        self._config.touch(mode=0o600)
        self._config.write_text(configuration(self._settings, programs))
        if not self.is_up():
            self._launch()
            return
        added, changed, removed = self._rpc.reloadConfig()[0]
        for name in (*changed, *removed):
            self._rpc.stopProcessGroup(name)
            self._rpc.removeProcessGroup(name)
        for name in (*added, *changed):
            self._rpc.addProcessGroup(name)

    def states(self) -> dict[str, ProcessState]:
        """Every process by name; empty when the process manager is not up."""
        if not self.is_up():
            return {}
        rows = self._rpc.getAllProcessInfo()
        return {row["name"]: _state(row) for row in rows}

    def start(self, names: Iterable[str]) -> None:
        """Start those that are not running, without waiting. One that pauses after a failure is tried now."""
        states = self.states()
        for name in names:
            if states[name].state == "BACKOFF":
                self._rpc.stopProcess(name)
                self._rpc.startProcess(name, False)
            if states[name].state not in UP:
                self._rpc.startProcess(name, False)

    def stop(self, names: Iterable[str], timeout_seconds: float) -> None:
        """Stop all of these at the same time, and wait until they are gone."""
        wanted = set(names)
        going = [name for name, process in self.states().items() if name in wanted and process.state in UP]
        for name in going:
            self._rpc.stopProcess(name, False)

        def running() -> str | None:
            states = self.states()
            left = [name for name in going if states[name].state not in {"STOPPED", "EXITED", "FATAL"}]
            return f"{', '.join(left)} still running" if left else None

        wait_until("stopping", running, timeout_seconds)

    def shut_down(self) -> None:
        """Stop what still runs, then the process manager itself."""
        if self.is_up():
            self._rpc.shutdown()
            wait_until("process manager", lambda: "still up" if self.is_up() else None, START_SECONDS)

    def _launch(self) -> None:
        command = (sys.executable, "-m", "supervisor.supervisord", "-c", str(self._config))
        environment = {**os.environ, MARKER: str(self._settings.data)}
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the process manager did not start: {(done.stderr or done.stdout).strip()}")
        wait_until("process manager", self._problem, START_SECONDS)

    def _problem(self) -> str | None:
        try:
            self._rpc.getState()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            return str(error)
        return None
