"""The network between our processes and NATS: answers that never arrive, silence, connections that are cut."""

from collections.abc import Callable

from tests.faults import questions
from tests.faults.fault import Fault, Scene
from tests.faults.questions import SOURCES
from tests.faults.system import wait_for

_REFUSED_WITHIN_SECONDS = 4.0


def _acknowledgements_swallowed(scene: Scene) -> None:
    proxy = scene.system.to_nats["gateways"]
    proxy.hold_answers()
    scene.last(1)
    proxy.cut()
    scene.over()


def _partition(scene: Scene) -> None:
    proxy = scene.system.to_nats["gateways"]
    proxy.partition()
    try:
        scene.last(6)
        assert scene.answers["503"], f"nobody was told to come again: {scene.answers}"
        slowest = scene.load.slowest["503"]
        assert slowest < _REFUSED_WITHIN_SECONDS, f"a 503 came only after {slowest:.1f} s"
    finally:
        proxy.heal()
    scene.over()


def _strand(names: tuple[str, ...]) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        for name in names:
            scene.system.to_nats[name].strand()
        scene.over()  # nothing will change: noticing is theirs

    return inject


def _collectors_cut_off(scene: Scene) -> None:
    proxies = [scene.system.to_nats[source] for source in SOURCES]
    for proxy in proxies:
        proxy.hold_requests()
    scene.last(2)  # what was delivered is committed meanwhile, and its acknowledgement goes nowhere
    for proxy in proxies:
        proxy.cut()
    scene.over()
    redelivered = 0

    def problem() -> str | None:
        nonlocal redelivered
        found = questions.in_nats(scene.system.nats.url, questions.consumers)
        redelivered = sum(info.num_redelivered or 0 for info in found.values() if info)
        return None if redelivered else "nothing was delivered again"

    seconds = wait_for("a redelivery", problem, 20)
    scene.note(f"{redelivered} batches or more delivered again, from {seconds:.1f} s on")


FAULTS = [
    Fault(
        "acknowledgements to the gateways lost",
        "what NATS answers is swallowed for a second, then the connections are cut",
        "503; what was on disk already is stored, once, also when it is sent again",
        _acknowledgements_swallowed,
    ),
    Fault(
        "silent partition, gateways and NATS",
        "nothing passes in either direction for some seconds and nobody is told; then it passes late",
        f"503 within {_REFUSED_WITHIN_SECONDS:g} s, recovery by itself",
        _partition,
    ),
    Fault(
        "gateways' connections stranded",
        "nothing passes any more on the connections that there are, for ever; new ones would pass",
        "noticed by missing pongs, 503 until then",
        _strand(("gateways",)),
        limit_seconds=25,
    ),
    Fault(
        "collectors' connections stranded",
        "the same between the collectors and NATS",
        "noticed by missing pongs; nothing lost, nothing doubled",
        _strand(SOURCES),
        limit_seconds=35,
    ),
    Fault(
        "acknowledgements of the collectors lost",
        "what collectors send is swallowed for two seconds, after they committed, then the connections are cut",
        "delivered again after ACK_WAIT_SECONDS; the ledger knows it all",
        _collectors_cut_off,
        limit_seconds=30,
    ),
]
