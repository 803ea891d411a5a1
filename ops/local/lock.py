"""One start or stop at a time."""

import fcntl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(data: Path, on_wait: Callable[[], None]) -> Generator[None]:
    """Hold the data folder's lock; call `on_wait` once if somebody else has it. The system frees it when
    we die."""
    with (data / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
