"""The process manager (supervisord): its configuration, and talking to it."""

import http.client
import os
import re
import shlex
import subprocess
import sys
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.local import unix_rpc
from ops.local.binaries import ROOT
from ops.local.settings import LocalSettings, SettingsError
from ops.local.waiting import wait_until

MARKER = "SLUICE_INSTANCE"
"""In the environment of every process that was started for a data folder; its value is the folder."""
MISCONFIGURED = 2
"""Exit status of a service that refuses its settings (see pipeline/chassis/server.py)."""
START_SECONDS = 15.0
UP = {"STARTING", "RUNNING", "BACKOFF"}
"""States in which the process manager is already at it."""

HEADER = """\
; Written by ./start.sh at every start: changes here are lost.
[unix_http_server]
file={socket}
chmod=0700
[supervisord]
logfile={data}/logs/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={data}/supervisord.pid
directory={root}
umask=077
identifier=sluice{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAM = """\
[program:{name}]
command={command}
directory={directory}
environment={environment}
priority={priority}
autostart=false
autorestart=true
; what fails is started again for ever, after a pause that grows by a second each time it fails at once
startretries=1000000
startsecs=1
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process for the process manager. Lower priorities start first and stop last."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    priority: int
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    directory: Path = ROOT


def _quoted(name: str, value: str) -> str:
    if re.search(r"""["'\n]|\s[;#]""", value):
        raise SettingsError(f"{name}: quotes, line breaks and ' #' cannot be used in its value")
    return f'{name}="{_literal(value)}"'


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def configuration(settings: LocalSettings, programs: Iterable[Program]) -> str:
    """The text of supervisord's configuration file."""
    user = "\nuser=root" if os.geteuid() == 0 else ""  # or it warns at every start
    sections = [HEADER.format(socket=settings.socket, data=settings.data, root=ROOT, user=user)]
    for program in programs:
        marked = {**program.environment, MARKER: str(settings.data)}
        sections.append(
            PROGRAM.format(
                name=program.name,
                command=_literal(shlex.join(program.command)),
                directory=program.directory,
                environment=",".join(_quoted(name, value) for name, value in sorted(marked.items())),
                priority=program.priority,
                stop_signal=program.stop_signal,
                stop_seconds=program.stop_seconds,
                logs=settings.logs,
            )
        )
    return "\n".join(sections)


@dataclass(frozen=True)
class ProcessState:
    """What the process manager knows about one process."""

    name: str
    state: str
    pid: int
    description: str
    exit_status: int

    def is_misconfigured(self) -> bool:
        """Whether it ended with the status that means "a setting is wrong": waiting would not help."""
        return self.state in {"BACKOFF", "FATAL"} and self.exit_status == MISCONFIGURED


def _state(row: dict[str, Any]) -> ProcessState:
    return ProcessState(row["name"], row["statename"], row["pid"], row["description"], row["exitstatus"])


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
        """Start those that are not running, without waiting."""
        states = self.states()
        for name in names:
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
