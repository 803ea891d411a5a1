"""A process dies at an exact place, where it hurts most."""

import signal
from collections.abc import Callable

from tests.faults.fault import Fault, Scene
from tests.faults.system import System
from tests.processes import Process

_DEATH_SECONDS = 30.0


def _die_at(point: str, choose: Callable[[System], Process]) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        system, victim = scene.system, choose(scene.system)
        victim.kill()
        victim.wrap("tests.faults.failpoints", point, str(scene.rng.randint(5, 15)))
        try:
            system.launch(victim)
            status = victim.wait(_DEATH_SECONDS)
        finally:
            victim.wrap()
        assert status == -signal.SIGKILL, f"it ended with status {status} and not at the failpoint"
        scene.over()
        system.launch(victim)

    return inject


def _gateway(system: System) -> Process:
    return system.gateways[-1]


def _collector(system: System) -> Process:
    return system.collectors["tiktok"][0]


_COLLECTOR = "SIGKILL by the process itself at this place, in its 5th to 15th turn after its start"

FAULTS = [
    Fault(
        "gateway killed between acknowledgement and answer",
        "SIGKILL by the gateway itself when JetStream has acknowledged and the sender has no answer yet",
        "reset; what was on disk is stored, once, also when it is sent again",
        _die_at("before-answer", _gateway),
    ),
    Fault(
        "collector killed in a transaction",
        _COLLECTOR,
        "committed as a whole or not at all",
        _die_at("before-commit", _collector),
        limit_seconds=20,
    ),
    Fault(
        "collector killed between commit and counters",
        _COLLECTOR,
        "delivered again, and stored once",
        _die_at("after-commit", _collector),
        limit_seconds=20,
    ),
    Fault(
        "collector killed between commit and acknowledgement",
        _COLLECTOR,
        "delivered again, and stored once",
        _die_at("before-ack", _collector),
        limit_seconds=20,
    ),
]
