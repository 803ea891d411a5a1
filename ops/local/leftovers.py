"""Processes of ours that nobody keeps any more, because the process manager or the service above them was
killed."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from ops.local.processes import wait_gone
from ops.local.supervisor_config import MARKER

GRACE_SECONDS = 15.0
REDIS_NAMES = ("redis-server", "valkey-server")


def find(data: Path) -> list[psutil.Process]:
    """Every process that was started for this data folder, oldest first."""
    found = [
        process for process in psutil.process_iter() if process.pid != os.getpid() and _belongs(process, data)
    ]
    return found + [process for process in _postmasters(data) if process not in found]


def sweep(processes: Iterable[psutil.Process]) -> int:
    """Stop them in good order, then by force. Returns how many there were."""
    processes = list(processes)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            # for Postgres "fast", which ends sessions and writes a checkpoint
            process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
    stubborn = wait_gone(processes, GRACE_SECONDS)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(stubborn, GRACE_SECONDS)
    return len(processes)


def _belongs(process: psutil.Process, data: Path) -> bool:
    with suppress(psutil.Error, OSError):
        if process.environ().get(MARKER) == str(data):
            return True
    with suppress(psutil.Error, OSError):
        # Redis writes its title over its environment; but it works inside its folder
        return process.name() in REDIS_NAMES and Path(process.cwd()).is_relative_to(data)
    return False


def _postmasters(data: Path) -> list[psutil.Process]:
    """Postgres overwrites its environment to show what it does, but says where its main process is."""
    found: list[psutil.Process] = []
    for file in data.glob("postgres/*/postmaster.pid"):
        with suppress(psutil.Error, OSError, ValueError, IndexError):
            process = psutil.Process(int(file.read_text().splitlines()[0]))
            if str(file.parent) in process.cmdline():
                found.append(process)
    return found
