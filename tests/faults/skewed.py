"""Runs a service whose clock can be put forward and back: `python -m tests.faults.skewed FILE collectors facebook`.

FILE holds the seconds by which the clock is to differ from the machine's; it is read again twenty times a second. Only
this process believes in that time, as if its host had a wrong clock: Postgres and NATS do not. Durations are measured
by the monotonic clock, which no clock setting moves, and which is left alone here too.
"""

import runpy
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import time_machine

_POLL_SECONDS = 0.05


def follow(file: Path) -> None:
    """Shifts the clock whenever the file says something else."""
    current = 0.0
    traveller = None
    while True:
        time.sleep(_POLL_SECONDS)
        wanted = float(file.read_text() or current)
        if wanted == current:
            continue
        if traveller is None:
            traveller = time_machine.travel(datetime.now(UTC), tick=True).start()
        traveller.shift(wanted - current)
        current = wanted
        print(f'{{"event": "clock_shifted", "seconds": {wanted}}}', flush=True)


if __name__ == "__main__":
    threading.Thread(target=follow, args=(Path(sys.argv[1]),), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
