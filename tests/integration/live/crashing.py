"""Runs a program that kills itself at an exact place:

    python -m tests.integration.live.crashing after-apply 3 collectors facebook

The place is a method of the counters, or of a build of them (`before-Build.finish`), replaced from here; the product
knows nothing of it. The process ends as by SIGKILL when it is called for the nth time.
"""

import os
import runpy
import signal
import sys
from typing import Any

from pipeline.live import LiveCounters
from pipeline.live.building import Build


def main(point: str, nth: int, program: list[str]) -> None:
    moment, _, place = point.partition("-")
    owner, method = (
        (Build, place.removeprefix("Build.")) if place.startswith("Build.") else (LiveCounters, place)
    )
    original, calls = getattr(owner, method), 0

    async def replacement(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if moment == "before" and calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await original(*arguments)
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, method, replacement)
    sys.argv = program
    runpy.run_module(program[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
