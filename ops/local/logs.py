"""`./start.sh logs [service]`: what the processes wrote."""

import os
from collections.abc import Sequence

from ops.local.system import System
from ops.local.terminal import out

LINES = 50


def show(local: System, names: Sequence[str], *, follow: bool) -> None:
    """The last lines of each log, with the process's name before each line when there are several."""
    files = [local.settings.logs / f"{name}.log" for name in names]
    if follow:
        os.execvp("tail", ["tail", "-n", str(LINES), "-F", *map(str, files)])  # noqa: S606, S607 - becomes tail
    for file in files:
        lines = file.read_text(errors="replace").splitlines()[-LINES:] if file.exists() else ["(nothing yet)"]
        before = f"{file.stem:<20} " if len(files) > 1 else ""
        for text in lines:
            out.out(f"{before}{text}", highlight=False)
