"""Every fault once, under load: nothing accepted is lost, nothing is stored twice, and all of it recovers by itself."""

from collections.abc import Iterator

import pytest

from tests.faults.catalogue import GROUPS
from tests.faults.runner import Runner, run_all
from tests.faults.system import loaded, running_system

SEED = 11
RATE = 2000


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with running_system(tmp_path_factory.mktemp("faults"), collectors={"facebook": 2}) as system:
        load = loaded(system, seed=SEED, rate=RATE)
        runner = Runner(system, load, seed=SEED, tell=print)
        runner.warm_up()
        load.stop()
        yield runner
        load.stop()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("group", GROUPS)
def test_no_fault_loses_or_doubles_an_event(runner: Runner, group: str) -> None:
    earlier = len(runner.problems)
    runner.go_on()
    run_all(runner, GROUPS[group])
    assert runner.problems[earlier:] == []
