"""NATS, Postgres and Redis are killed, stopped, restarted, made slow, full, read-only."""

from collections.abc import Callable

from ops.local.servers import RunningServer
from tests.faults.fault import Fault, Scene
from tests.faults.system import System
from tests.processes import pause

Choose = Callable[[System], RunningServer]


def _kill(choose: Choose) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        server = choose(scene.system)
        server.kill()
        scene.over()
        scene.system.start_server(server)

    return inject


def _stop(choose: Choose, seconds: float) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        server = choose(scene.system)
        pause(server)
        try:
            scene.last(seconds)
        finally:
            server.resume()
        scene.over()

    return inject


def _nats(system: System) -> RunningServer:
    return system.nats


def _postgres(system: System) -> RunningServer:
    return system.postgres


def _redis(system: System) -> RunningServer:
    return system.redis


FAULTS = [
    Fault("NATS killed", "SIGKILL, then started again at once", "503 meanwhile, nothing lost", _kill(_nats)),
    Fault("NATS stopped", "SIGSTOP, later SIGCONT", "503 within seconds, nothing lost", _stop(_nats, 4)),
    Fault(
        "Postgres killed", "SIGKILL of the postmaster, then started again", "ingest goes on", _kill(_postgres)
    ),
    Fault(
        "Postgres stopped",
        "SIGSTOP of all its processes, later SIGCONT",
        "ingest goes on",
        _stop(_postgres, 4),
    ),
    Fault("Redis killed", "SIGKILL, then started again", "ingest goes on", _kill(_redis)),
    Fault("Redis stopped", "SIGSTOP, later SIGCONT", "ingest goes on", _stop(_redis, 2)),
]
