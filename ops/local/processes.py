"""Waiting for processes that are not our children to be gone."""

from collections.abc import Iterable
from contextlib import suppress

import psutil

from ops.local.waiting import NotReadyError, wait_until


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run. One that has ended and was not collected by its parent does not count: in a container
    nobody may collect it."""
    found: list[psutil.Process] = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_gone(processes: Iterable[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Wait until all have ended, at most so long. Returns those that have not."""
    left = list(processes)

    def problem() -> str | None:
        left[:] = alive(left)
        return f"{len(left)} processes" if left else None

    with suppress(NotReadyError):
        wait_until("their end", problem, timeout_seconds)
    return left
