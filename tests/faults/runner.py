"""Injects faults one after another into one running system, and keeps the record."""

import random
import time
from collections.abc import Callable, Sequence

from ops.local.waiting import NotReadyError
from tests.faults.balance import Reckoning, reckon
from tests.faults.fault import Fault, Observation, Scene
from tests.faults.load import Load
from tests.faults.questions import NotToBeAsked
from tests.faults.recovery import wait_until_recovered
from tests.faults.system import System

Tell = Callable[[str], None]

_HEALING_SECONDS = 60.0


class Runner:
    """One system, one load, one ledger. Windows of the ledger are the faults in the order of their injection."""

    def __init__(
        self, system: System, load: Load, *, seed: int, scale: float = 1.0, tell: Tell = lambda _line: None
    ) -> None:
        self.observations: list[Observation] = []
        self.reckonings: list[Reckoning] = []
        self.problems: list[str] = []
        self._system = system
        self._load = load
        self._rng = random.Random(f"faults {seed}")
        self._scale = scale
        self._tell = tell
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the runner was made."""
        return time.monotonic() - self._began

    def warm_up(self) -> None:
        """Starts the load and returns when events flow."""
        self._load.start()
        scene = self._scene()
        scene.over()
        wait_until_recovered(scene, _HEALING_SECONDS)

    def inject(self, fault: Fault) -> Observation:
        """One fault and its recovery. What it breaks is in the observation, and the system is put right."""
        load = self._load
        load.watch((len(self.observations) + 1) % 256)
        sent, answers, began = load.account.totals.sent, load.statuses.copy(), time.monotonic()
        began_after = self.elapsed
        scene = self._scene()
        problems: list[str] = []
        recovered: float | None = None
        try:
            fault.inject(scene)
            assert scene.over_at, "a fault says when it is over"
            recovered = wait_until_recovered(scene, fault.limit_seconds * self._scale)
        except (AssertionError, NotToBeAsked, NotReadyError) as error:
            problems.append(f"{fault.name}: {error}")
            self._put_right()
        finally:
            for clear_away in scene.afterwards:
                clear_away()
        observation = Observation(
            fault=fault.name,
            began_after=began_after,
            lasted=time.monotonic() - began,
            recovered_after=recovered,
            sent=load.account.totals.sent - sent,
            answers=load.statuses - answers,
            slowest_refusal=load.slowest.get("503", 0.0),
            notes=scene.notes,
            problems=problems,
        )
        self.observations.append(observation)
        self.problems += problems
        took = "did not recover" if recovered is None else f"recovered after {recovered:.1f} s"
        self._tell(f"{began_after:6.1f} s  {fault.name}: {took}; {observation.observed}")
        for problem in problems:
            self._tell(f"          VIOLATION {problem}")
        return observation

    def reckon(self) -> Reckoning:
        """Stops the load, compares everything, and enters what was lost or doubled into the observations."""
        reckoning = reckon(self._system, self._load)
        self.reckonings.append(reckoning)
        self.problems += reckoning.problems
        for number, observation in enumerate(self.observations, start=1):
            observation.lost = reckoning.balance.lost[number % 256]
            observation.doubled = reckoning.balance.doubled[number % 256]
        balance = reckoning.balance
        self._tell(
            f"{self.elapsed:6.1f} s  reckoning: {balance.sent} sent, "
            f"{balance.accepted} accepted = {balance.stored} stored - {balance.stored_of_unknown} without an answer "
            f"+ {balance.duplicates} duplicates; {reckoning.dead_letters} dead letters; "
            f"drained in {reckoning.drained_seconds:.1f} s"
        )
        for problem in reckoning.problems:
            self._tell(f"          VIOLATION {problem}")
        return reckoning

    def go_on(self) -> None:
        """The load again, after a reckoning."""
        self._load.start()

    def _scene(self) -> Scene:
        return Scene(self._system, self._load, self._rng, self._scale)

    def _put_right(self) -> None:
        self._system.heal()
        scene = self._scene()
        scene.over()
        wait_until_recovered(scene, _HEALING_SECONDS)


def run_all(runner: Runner, faults: Sequence[Fault]) -> None:
    """Each fault once, then the reckoning."""
    for fault in faults:
        runner.inject(fault)
    runner.reckon()
