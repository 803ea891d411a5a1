"""An embedded server as a plain description. Nothing here starts anything.

The process manager (`supervision`) and tests (`running`) both start servers from it, so they cannot differ.
"""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class EmbeddedServer:
    """How to run one server on this machine and how to reach it.

    `prepare` makes the folders, files and initial data that the command needs; calling it again changes
    nothing that matters. `problem` says why the server is not ready, or None when it is; it asks the
    server itself and returns within seconds. `monitor_url` is where it also answers over HTTP, if it does.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    url: str
    prepare: Callable[[], None]
    problem: Callable[[], str | None]
    monitor_url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
