"""When a system has recovered: everything is ready, every gateway accepts, and what is accepted gets stored at once."""

import time

from tests.faults.fault import Scene
from tests.faults.system import wait_for

_BACKLOG_BATCHES = 60
"""More than what is always on its way at the rates that we send."""


def wait_until_recovered(scene: Scene, limit_seconds: float) -> float:
    """Seconds since the fault was over. Raises AssertionError when the limit passes first."""
    began = scene.over_at
    system, load = scene.system, scene.load
    baseline: dict[str, int] = {}

    def problem() -> str | None:
        for process in system.processes:
            if (seen := system.is_ready(process)) is not None:
                return seen
        silent = [index for index, at in enumerate(load.accepted_at) if at <= began]
        if silent:
            return f"nothing accepted yet by gateways {silent}"
        if not baseline:
            baseline.update(system.stored())
        stored = system.stored()
        if not all(stored.get(source, 0) > count for source, count in baseline.items()):
            return f"nothing stored since: {stored}"
        waiting = system.backlog()
        return None if waiting <= _BACKLOG_BATCHES else f"{waiting} batches wait"

    wait_for("recovery", problem, limit_seconds)
    return time.monotonic() - began
