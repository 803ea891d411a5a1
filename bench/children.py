"""Processes of our own: started with a log file, ended by their id."""

import os
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.guard import GUARD

STOP_SECONDS = 20.0
_LOG_LINES = 12


class Child:
    """One started process. `stop` ends it and whatever it has started."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us, who then end it in order
            )
        GUARD.watch(self.process.pid)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])


@contextmanager
def ended_at_last(children: list[Child]) -> Generator[None]:
    """Ends the children in the list, also those that were added meanwhile, whatever happens."""
    try:
        yield
    finally:
        stop_all([child.process for child in children])


def stop_all(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """SIGTERM to all at once; what is still there after the limit, or was left behind by one of them, is
    killed."""
    family: list[psutil.Process] = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            family += psutil.Process(process.pid).children(recursive=True)
    for process in processes:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _, alive = psutil.wait_procs(family, timeout=2)
    for left in alive:
        with suppress(psutil.NoSuchProcess):
            left.kill()
