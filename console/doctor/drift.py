"""Has somebody changed the tables by hand? What Prisma reads from the database is compared with our schema."""

import asyncio
import shutil
from collections.abc import Iterable, Iterator, Sequence

from console.doctor.datamodel import differences
from console.doctor.result import Result, ok, warning
from console.doctor.schema import DEPLOY
from console.doctor.surroundings import ROOT, Surroundings

_SCHEMA = ROOT / "prisma" / "schema.prisma"
_CONFIG = ROOT / "prisma" / "prisma.config.mjs"
_PRISMA = ROOT / "prisma" / "engine" / "node_modules" / "prisma" / "build" / "index.js"
_PULL_SECONDS = 30.0
_SHOWN = 6


async def drift(surroundings: Surroundings) -> Iterable[Result]:
    """Tables and columns are as `schema.prisma` says: what Prisma reads from the database is compared with it."""
    node = surroundings.environ.get("SLUICE_NODE") or shutil.which("node")
    if not node or not _PRISMA.exists():
        advice = "./start.sh installs Node and Prisma."
        return warning("schema", "not compared: Prisma's command line is not installed", advice)
    process = await asyncio.create_subprocess_exec(
        *(node, str(_PRISMA), "db", "pull", "--print", "--config", str(_CONFIG)),
        cwd=ROOT,
        env={**surroundings.environ, "CHECKPOINT_DISABLE": "1", "PRISMA_HIDE_UPDATE_MESSAGE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _PULL_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return warning("schema", f"not compared: Prisma took over {_PULL_SECONDS:g} s", "Try again.")
    if process.returncode:
        said = (errors or output).decode(errors="replace").strip().splitlines()
        return warning("schema", f"not compared: {said[-1] if said else 'Prisma failed'}", DEPLOY)
    return judge_drift(list(differences(_SCHEMA.read_text(), output.decode())))


def judge_drift(found: Sequence[str]) -> Iterator[Result]:
    """The differences between the schema and the database, in words."""
    for difference in found[:_SHOWN]:
        advice = "Somebody changed the database by hand, or a migration is missing."
        yield Result("schema", "failed", difference, advice)
    if len(found) > _SHOWN:
        yield Result("schema", "failed", f"and {len(found) - _SHOWN} more differences", "See those first.")
    if not found:
        yield from ok("schema", "tables and columns are as schema.prisma says")
