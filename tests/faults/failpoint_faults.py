"""A process dies at an exact place, where it hurts most."""

import signal
from collections.abc import Callable

from tests.faults.fault import Fault, Scene
from tests.faults.questions import SOURCES
from tests.processes import Process

_DEATH_SECONDS = 30.0


def _gateway_dies(scene: Scene) -> None:
    system = scene.system
    victim = system.gateways[-1]
    victim.kill()
    victim.wrap("tests.faults.failpoints", "before-answer", _turn(scene))
    try:
        system.launch(victim)
        _wait_for_death(victim)
    finally:
        victim.wrap()
    scene.over()
    system.launch(victim)


def _collector_dies(point: str) -> Callable[[Scene], None]:
    """One that is started in addition, so that the others are there to take over."""

    def inject(scene: Scene) -> None:
        system, source = scene.system, scene.rng.choice(SOURCES)
        victim = system.add_collector(source, "tests.faults.failpoints", point, _turn(scene))
        try:
            _wait_for_death(victim)
        finally:
            victim.end()
            system.collectors[source].remove(victim)
        scene.over()

    return inject


def _turn(scene: Scene) -> str:
    return str(scene.rng.randint(5, 15))


def _wait_for_death(victim: Process) -> None:
    status = victim.wait(_DEATH_SECONDS)
    assert status == -signal.SIGKILL, (
        f"it ended with status {status} and not at the failpoint\n{victim.tail()}"
    )


_COLLECTOR = (
    "SIGKILL by the process itself at this place, in its 5th to 15th turn after its start, beside others"
)

FAULTS = [
    Fault(
        "gateway killed between acknowledgement and answer",
        "SIGKILL by the gateway itself when JetStream has acknowledged and the sender has no answer yet",
        "reset; what was on disk is stored, once, also when it is sent again",
        _gateway_dies,
    ),
    Fault(
        "collector killed in a transaction",
        _COLLECTOR,
        "committed as a whole or not at all",
        _collector_dies("before-commit"),
        limit_seconds=20,
    ),
    Fault(
        "collector killed between commit and counters",
        _COLLECTOR,
        "delivered again, and stored once",
        _collector_dies("after-commit"),
        limit_seconds=20,
    ),
    Fault(
        "collector killed between commit and acknowledgement",
        _COLLECTOR,
        "delivered again, and stored once",
        _collector_dies("before-ack"),
        limit_seconds=20,
    ),
]
