"""NATS, Postgres and Redis are killed, stopped, restarted, made slow, full, read-only."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import psutil

from ops.local import asking
from ops.local.servers import RunningServer
from tests.faults import questions
from tests.faults.fault import Fault, Scene
from tests.faults.system import System
from tests.processes import pause

POSTGRES_AWAY_SECONDS = 8.0
_STOPPED_SECONDS = 0.2
_RUNNING_SECONDS = 0.05

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


def _restart(choose: Choose) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        server = choose(scene.system)
        server.stop()
        scene.over()
        scene.system.start_server(server)

    return inject


def _postgres_away(scene: Scene) -> None:
    system, began = scene.system, time.monotonic()
    server = system.postgres
    server.stop()
    try:
        scene.last(POSTGRES_AWAY_SECONDS)
        waiting = system.backlog()
        consumers = questions.in_nats(system.nats.url, questions.consumers)
    finally:
        system.start_server(server)
    scene.over()
    away = time.monotonic() - began
    seen = scene.answers
    assert seen.keys() <= {"202", "400"}, f"the gateways noticed: {seen}"
    limits = {source: info and info.config.max_deliver for source, info in consumers.items()}
    assert set(limits.values()) == {-1}, f"deliveries are limited: {limits}"
    redelivered = sum(info.num_redelivered or 0 for info in consumers.values() if info)
    assert redelivered == 0, f"{redelivered} batches were delivered again while nothing could be stored"
    scene.note(f"away for {away:.0f} s; {waiting} batches waited, none delivered twice")


def _redis_wiped(scene: Scene) -> None:
    server = scene.system.redis
    server.stop()
    try:
        scene.last(2)
    finally:
        scene.system.start_server(server)
    url = urlsplit(server.url)
    said = asking.talk(url.port or 0, f"AUTH {url.password}\r\nFLUSHALL\r\n".encode())
    assert isinstance(said, bytes), said
    assert said.count(b"+OK") == 2, said
    scene.over()


def _storm(scene: Scene) -> None:
    """Three times, or ten within a minute."""
    system = scene.system
    files = _open_files(system)
    for _ in range(3 if scene.scale == 1 else 10):
        system.nats.kill()
        system.start_server(system.nats)
        scene.last(0.5)
    scene.over()

    def look() -> None:
        now = _open_files(system)
        scene.note(f"open files before {files}, after {now}")
        assert now < files + 50, f"files stay open: {files} before, {now} after"

    scene.afterwards.append(look)


def _open_files(system: System) -> int:
    return sum(
        psutil.Process(process.pid).num_fds() for process in [*system.gateways, *system.all_collectors]
    )


def _slow_disk(scene: Scene) -> None:
    server, until = scene.system.nats, time.monotonic() + 4 * scene.scale
    try:
        while time.monotonic() < until:
            server.pause()
            time.sleep(_STOPPED_SECONDS)  # the duty cycle is the fault
            server.resume()
            time.sleep(_RUNNING_SECONDS)
    finally:
        server.resume()
    scene.over()
    scene.note(f"slowest 202 after {scene.load.slowest.get('202', 0.0):.1f} s")


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
    Fault(
        "Postgres away",
        "stopped in good order, started again later",
        "every answer is 202 or 400 meanwhile; the stream keeps everything; no delivery limit is used up",
        _postgres_away,
        limit_seconds=60,
    ),
    Fault("Redis away and wiped", "stopped, started again, FLUSHALL", "ingest goes on", _redis_wiped),
    Fault("NATS restarted", "stopped in good order, started again at once", "503 meanwhile", _restart(_nats)),
    Fault(
        "NATS killed again and again",
        "SIGKILL and start, three times in a row (ten times in the long form)",
        "everything reconnects; no file stays open",
        _storm,
    ),
    Fault(
        "slow disk under NATS",
        "approximated: NATS is stopped 80 % of the time, in turns of a quarter of a second",
        "202 or 503, late, and nothing lost",
        _slow_disk,
    ),
]
