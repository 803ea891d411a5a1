"""A small process that outlives us, should we be killed, for as long as it takes to end what we started.

It is told process ids on its standard input. The input ends when we end, in whatever way: what then still runs is
ended. After an orderly end there is nothing left to do.
"""

import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress

import psutil

_TERM_SECONDS = 10.0


class Guard:
    """Our end of it. Started with the first process that it is to guard."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, pid: int) -> None:
        """This process, and what descends from it, must not outlive us."""
        if self._process is None:
            command = (sys.executable, "-m", "bench.guard")
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % pid)
        self._process.stdin.flush()


GUARD = Guard()


def end(roots: Iterable[psutil.Process]) -> None:
    """Ends the processes that are still the same ones, and their descendants."""
    family: list[psutil.Process] = []
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            if root.is_running():
                family += [root, *root.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(family, timeout=_TERM_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def main() -> None:
    roots: list[psutil.Process] = []
    for line in sys.stdin:
        with suppress(psutil.NoSuchProcess):
            roots.append(psutil.Process(int(line)))
    end(roots)


if __name__ == "__main__":
    main()
