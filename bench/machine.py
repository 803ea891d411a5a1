"""What the results are true for: the machine, the commit, the settings."""

import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.options import RESULTS
from ops.local import binaries, dotenv
from ops.local.postgres_server import DEFAULT_VERSION
from ops.local.system import EXAMPLE

_OURS = ("DATABASE_URL", "NATS_URL", "REDIS_URL", "PORT", "EVENT_ENDPOINT", "HOST")
_SECRET = ("SECRET", "TOKEN", "KEY")


def facts(command: str) -> list[tuple[str, str]]:
    """In the order in which they are shown."""
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("commit", _commit()),
        ("command", command),
        ("machine", f"{_cpu_model()}, {len(os.sched_getaffinity(0))} cores, {_memory()}"),
        ("system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"),
        ("servers", f"{_version(binaries.nats_server())}; {_version(binaries.postgres(DEFAULT_VERSION))}"),
        (
            "load before",
            f"{os.getloadavg()[0]:.1f} (mean number of processes that wanted a core in the last minute)",
        ),
        ("settings", ", ".join(_settings()) or "the defaults"),
    ]


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(
            ("git", *arguments), cwd=binaries.ROOT, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    written_here = RESULTS.relative_to(binaries.ROOT).as_posix()
    changes = [line for line in git("status", "--porcelain").splitlines() if not line.endswith(written_here)]
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("-dirty" if changes else "")


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    return f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory"


def _version(executable: Path) -> str:
    done = subprocess.run((executable, "--version"), capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _settings() -> Iterator[str]:
    """What is set in the environment and is not a default; no secrets."""
    for name in dotenv.names(EXAMPLE):
        if name in os.environ and name not in _OURS and not any(word in name for word in _SECRET):
            yield f"{name}={os.environ[name]}"
