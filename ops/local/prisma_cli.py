"""Prisma's command line on the Node of the wheel, without the vendor's CDN. See prisma/engine/README.md."""

import os
import subprocess
import sys
from collections.abc import Mapping

from ops.local import binaries

PRISMA = binaries.ROOT / "prisma"
ENGINE = PRISMA / "engine"
SCRIPT = ENGINE / "node_modules" / "prisma" / "build" / "index.js"
LAUNCHER = ENGINE / "query-engine"
COMMAND_SECONDS = 120.0
EXPECTED_ENGINE = "c2990dca591cba766e3b7ef5d9e8a84796e47ab7"
"""The engine commit of npm prisma 6.19.3. The client refuses an engine that calls itself by another."""


class PrismaError(RuntimeError):
    """A Prisma command failed. The text is what it printed."""


def environment() -> dict[str, str]:
    """What every process needs that uses Prisma Client Python: where Node and the query engine are."""
    return {
        "PRISMA_EXPECTED_ENGINE_VERSION": EXPECTED_ENGINE,
        "SLUICE_NODE": str(binaries.node()),
        "PRISMA_QUERY_ENGINE_BINARY": str(LAUNCHER),
        "PRISMA_QUERY_ENGINE_LIBRARY": str(LAUNCHER),
        "PRISMA_SCHEMA_ENGINE_BINARY": str(LAUNCHER),
        "CHECKPOINT_DISABLE": "1",
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
    }


def run(*arguments: str, extra: Mapping[str, str] | None = None) -> str:
    """Run `prisma <arguments>` and return what it printed; raise PrismaError when it fails."""
    command = (str(binaries.node()), str(SCRIPT), *arguments)
    folders = (f"{sys.prefix}/bin", str(binaries.node().parent), os.environ.get("PATH", os.defpath))
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        cwd=binaries.ROOT,
        env={**os.environ, **environment(), "PATH": os.pathsep.join(folders), **(extra or {})},
    )
    if done.returncode != 0:
        raise PrismaError(f"prisma {' '.join(arguments)} failed:\n{(done.stdout + done.stderr).strip()}")
    return done.stdout
