"""Everything is restarted in turn, as for a new release, with two gateways and three collectors of each source."""

from tests.faults.fault import Fault, Scene
from tests.faults.questions import SOURCES
from tests.faults.system import System
from tests.processes import Process

_COLLECTORS = 3
_READY_SECONDS = 30.0


def _rolling(scene: Scene) -> None:
    system = scene.system
    extra = _fill_up(system)
    try:
        for turn in range(_COLLECTORS):
            in_turn = [
                *system.gateways[turn : turn + 1],
                *(system.collectors[source][turn] for source in SOURCES),
            ]
            _end(in_turn)
            system.launch(*in_turn)
            for process in in_turn:
                process.wait_ready(_READY_SECONDS)
        _end(extra)
    finally:
        for process in extra:
            process.end()
            for source in SOURCES:
                if process in system.collectors[source]:
                    system.collectors[source].remove(process)
    scene.over()
    seen = scene.answers
    broken = [kind for kind in seen if kind.startswith("5") and kind != "503"]
    assert not broken, f"a restart in good order shows only 503: {seen}"


def _fill_up(system: System) -> list[Process]:
    """Up to three collectors of each source."""
    extra = [
        system.add_collector(source)
        for source in SOURCES
        for _ in range(_COLLECTORS - len(system.collectors[source]))
    ]
    for process in extra:
        process.wait_ready(_READY_SECONDS)
    return extra


def _end(processes: list[Process]) -> None:
    """SIGTERM to all, and every one of them ends in good order."""
    for process in processes:
        process.terminate()
    for process in processes:
        status = process.wait()
        assert status == 0, f"{process.name} ended with status {status}\n{process.tail()}"


FAULTS = [
    Fault(
        "rolling restart",
        "SIGTERM and start of two gateways and three collectors of each source, one of each at a time",
        "exit status 0, nothing lost, nothing doubled",
        _rolling,
        limit_seconds=20,
    )
]
