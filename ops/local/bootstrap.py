"""Makes the environment and becomes a program in it. Run by start.sh and test.sh with the machine's own
Python.

    python3 ops/local/bootstrap.py [--dev] MODULE [ARGUMENT ...]

Nothing but the standard library here: this runs before anything is installed. The packages are installed
from locks with hashes, wheels only, and again only when a lock has changed.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / ".made-from"
PIP_LOG = ENVIRONMENT / "install.log"
RUNTIME, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
PIP = (
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--no-input",
    "--progress-bar=off",
    "--retries=2",
)
LOCKED = ("--require-hashes", "--only-binary=:all:", "--disable-pip-version-check")
PLAIN_EVERY = 10
"""Without a terminal, every so many packages a line."""


def main(arguments: list[str]) -> None:
    """Bring the environment up to date, then become `python -m MODULE` in it."""
    development = arguments[:1] == ["--dev"]
    ENVIRONMENT.mkdir(exist_ok=True)
    with (ENVIRONMENT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two starts at once: the second finds everything done
        _environment()
        _packages(DEVELOPMENT if development else RUNTIME)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", *arguments[development:]])  # noqa: S606 - becomes it


def _environment() -> None:
    if _runs(PYTHON):
        return
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        _fail(
            f"{sys.executable} has no venv module",
            "install it (Debian, Ubuntu: apt install python3-venv), or name another: PYTHON=/path/to/python3",
        )
    _say("Python environment")
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(ENVIRONMENT)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        _fail("the Python environment could not be made", (done.stdout + done.stderr).strip())


def _runs(python: Path) -> bool:
    """Whether the environment is whole: one that was interrupted, or whose Python was upgraded away, is
    not."""
    if not python.exists():
        return False
    check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0


def _packages(lock: str) -> None:
    hashes = {name: sha256((ROOT / name).read_bytes()).hexdigest() for name in (RUNTIME, DEVELOPMENT)}
    installed: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError):
        installed = json.loads(STAMP.read_text())
    if installed.get(lock) == hashes[lock]:
        return
    total = len(re.findall(r"^[a-z][^\s]*==", (ROOT / lock).read_text(), re.MULTILINE))
    command = [str(PYTHON), *PIP, *LOCKED, "--requirement", str(ROOT / lock)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
    with PIP_LOG.open("w") as log:
        _progress(process.stdout, log.write, total)
    if process.wait() != 0:
        _fail("the Python packages could not be installed", _complaint())
    both = {RUNTIME: hashes[RUNTIME], **({DEVELOPMENT: hashes[DEVELOPMENT]} if lock == DEVELOPMENT else {})}
    STAMP.write_text(json.dumps(both))
    _say("Python packages", f"{total} locked, all in place")


def _progress(lines: Iterable[str], log: object, total: int) -> None:
    write = log if callable(log) else print
    count = 0
    for line in lines:
        write(line)
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            count += 1
            if sys.stdout.isatty() or count % PLAIN_EVERY == 1:
                _say("Python packages", f"{count} of {total}", passing=True)
        elif line.startswith("Installing collected"):
            _say("Python packages", "unpacking", passing=True)


def _complaint() -> str:
    text = PIP_LOG.read_text()
    errors = [line for line in text.splitlines() if line.startswith("ERROR")][-3:]
    if "after connection broken" in text:
        errors.insert(0, "no connection to the package index: check the network, or pip's own settings")
    return "\n".join([*errors, f"(all of it: {PIP_LOG})"])


def _say(name: str, detail: str = "", *, passing: bool = False) -> None:
    """A line like those of `terminal`; on a terminal a passing one is written over by the next."""
    terminal = sys.stdout.isatty()
    mark = "..." if passing else "ok"
    end = "" if passing and terminal else "\n"
    start = "\r\033[K" if terminal else ""
    print(f"{start}  {mark:<8}{name:<30}{detail}", end=end, flush=True)


def _fail(message: str, detail: str) -> None:
    print(f"\n  FAILED  {message}", file=sys.stderr)
    for line in detail.splitlines():
        print(f"          {line}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
