"""The process manager's configuration file: what it is to run, in its own words."""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.local.binaries import ROOT
from ops.local.settings import LocalSettings, SettingsError

MARKER = "SLUICE_INSTANCE"
"""In the environment of every process that was started for a data folder; its value is the folder."""
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
startsecs={settled_seconds}
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
    """One process for the process manager. Lower priorities start first and stop last.

    One that ends within `settled_seconds` has failed to start: it is started again after a pause. One that ends
    later is started again at once.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    priority: int
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    settled_seconds: int = 1
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
                settled_seconds=program.settled_seconds,
                logs=settings.logs,
            )
        )
    return "\n".join(sections)
