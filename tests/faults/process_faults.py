"""Our own processes are killed, stopped, and restarted in turn."""

from collections.abc import Callable

from tests.faults.fault import Fault, Scene
from tests.faults.system import System
from tests.processes import Process

Choose = Callable[[System], list[Process]]


def _kill(choose: Choose) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        victims = choose(scene.system)
        for victim in victims:
            victim.kill()
        scene.over()
        scene.system.launch(*victims)

    return inject


def _stop(choose: Choose, seconds: float) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        victims = choose(scene.system)
        for victim in victims:
            victim.pause()
        try:
            scene.last(seconds)
        finally:
            for victim in victims:
                victim.resume()
        scene.over()

    return inject


def _one_gateway(system: System) -> list[Process]:
    return system.gateways[:1]


def _gateways(system: System) -> list[Process]:
    return system.gateways


def _one_collector(system: System) -> list[Process]:
    return system.collectors["facebook"][:1]


def _collectors(system: System) -> list[Process]:
    return system.all_collectors


def _reporter(system: System) -> list[Process]:
    return system.reporters


FAULTS = [
    Fault(
        "one gateway killed",
        "SIGKILL, then started again at once",
        "the other one goes on; nothing acknowledged is lost",
        _kill(_one_gateway),
    ),
    Fault(
        "all gateways killed", "SIGKILL of all at once", "no batch is acknowledged by half", _kill(_gateways)
    ),
    Fault(
        "one gateway stopped",
        "SIGSTOP, later SIGCONT",
        "what waited in it is answered or timed out; stored at most once where nothing was answered",
        _stop(_one_gateway, 3),
    ),
    Fault(
        "one collector killed",
        "SIGKILL in the middle of its work",
        "what it held comes to another one within ACK_WAIT_SECONDS",
        _kill(_one_collector),
    ),
    Fault(
        "all collectors killed", "SIGKILL of all at once", "the stream keeps everything", _kill(_collectors)
    ),
    Fault(
        "collectors stopped",
        "SIGSTOP of all for longer than ACK_WAIT_SECONDS, then SIGCONT",
        "what was delivered to them is delivered again, and stored once",
        _stop(_collectors, 5),
    ),
    Fault("reporter killed", "SIGKILL", "nobody else notices", _kill(_reporter)),
    Fault("reporter stopped", "SIGSTOP, later SIGCONT", "nobody else notices", _stop(_reporter, 2)),
]
