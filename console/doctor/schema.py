"""Is the database the one that the migrations make?"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from console.doctor.result import Result, failed, ok, warning
from console.doctor.surroundings import ROOT, Surroundings

MIGRATIONS = ROOT / "prisma" / "migrations"

_APPLIED = """
SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
FROM _prisma_migrations
WHERE rolled_back_at IS NULL
"""
_INDEX = re.compile(
    r"\b(CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(\w+)",
    re.IGNORECASE,
)
DEPLOY = (
    "./start.sh applies what is missing; elsewhere: prisma migrate deploy --config prisma/prisma.config.mjs"
)


class Applied(msgspec.Struct, frozen=True):
    """A row of Prisma's own table."""

    name: str
    checksum: str
    finished: bool


async def migrations(surroundings: Surroundings) -> Iterable[Result]:
    """Every migration of this version is applied, as it is."""
    (row,) = await surroundings.query("SELECT to_regclass('_prisma_migrations') IS NOT NULL AS there")
    rows: Sequence[dict[str, Any]] = await surroundings.query(_APPLIED) if row["there"] else ()
    return judge_migrations(
        checksums(MIGRATIONS), [Applied(row["name"], row["checksum"], row["finished"]) for row in rows]
    )


def checksums(folder: Path) -> Mapping[str, str]:
    """The migrations of a folder, in order, with what Prisma notes of each when it applies it."""
    scripts = sorted(folder.glob("*/migration.sql"))
    return {script.parent.name: hashlib.sha256(script.read_bytes()).hexdigest() for script in scripts}


def judge_migrations(wanted: Mapping[str, str], applied: Iterable[Applied]) -> Iterator[Result]:
    """`wanted` are checksums by name."""
    name, done = "migrations", {each.name: each for each in applied}
    missing = [each for each in wanted if each not in done]
    unfinished = [each.name for each in done.values() if not each.finished]
    unknown = [each for each in done if each not in wanted]
    changed = [each for each, sum_ in wanted.items() if each in done and done[each].checksum != sum_]
    if missing:
        yield from failed(name, f"not applied: {', '.join(missing)}", DEPLOY)
    if unfinished:
        advice = "./start.sh migrate resolve --rolled-back NAME, then ./start.sh migrate: docs/operations/upgrade.md."
        yield from failed(name, f"begun and not finished: {', '.join(unfinished)}", advice)
    if unknown:
        advice = "The database is of a newer version than this folder: update the folder."
        yield from warning(name, f"applied, and not known here: {', '.join(unknown)}", advice)
    if changed:
        advice = "Somebody edited a migration after it was applied: see whether the database lacks what was changed."
        yield from warning(name, f"not as they were when they were applied: {', '.join(changed)}", advice)
    if not (missing or unfinished or unknown or changed):
        yield from ok(name, f"all {len(wanted)} are applied")


async def indexes(surroundings: Surroundings) -> Iterable[Result]:
    """Every index that a migration made is there and usable, those too that Prisma's schema cannot express."""
    rows = await surroundings.query(
        "SELECT relname::text AS name, indisvalid AS valid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
    )
    scripts = [script.read_text() for script in sorted(MIGRATIONS.glob("*/migration.sql"))]
    return judge_indexes(made_indexes(scripts), {row["name"]: row["valid"] for row in rows})


def made_indexes(scripts: Iterable[str]) -> list[str]:
    """The names of the indexes that are left when the migrations were applied in this order."""
    names: dict[str, None] = {}
    for script in scripts:
        for verb, name in _INDEX.findall(re.sub(r"--.*", "", script)):
            if verb.upper() == "CREATE":
                names[name] = None
            else:
                names.pop(name, None)
    return list(names)


def judge_indexes(wanted: Sequence[str], found: Mapping[str, bool]) -> Iterator[Result]:
    """`found` says of each index whether it is valid."""
    if missing := [name for name in wanted if name not in found]:
        advice = "Reports and writes are slow without. prisma/migrations has the statement that makes it."
        yield from warning("indexes", f"missing: {', '.join(missing)}", advice)
    if invalid := [name for name in wanted if not found.get(name, True)]:
        yield from warning("indexes", f"unusable: {', '.join(invalid)}", "REINDEX INDEX CONCURRENTLY NAME")
    if not missing and not invalid:
        yield from ok("indexes", f"all {len(wanted)} of the migrations are there")


async def partitions(surroundings: Surroundings) -> Iterable[Result]:
    """Today and tomorrow have partitions of their own."""
    today = datetime.now(UTC)
    names = [f"events_{today + timedelta(days=day):%Y%m%d}" for day in (0, 1)]
    (row,) = await surroundings.query(
        "SELECT to_regclass($1) IS NOT NULL AS today, to_regclass($2) IS NOT NULL AS tomorrow", *names
    )
    missing = [name for name, there in zip(names, (row["today"], row["tomorrow"]), strict=True) if not there]
    if missing:
        found = f"missing: {', '.join(missing)}; events of those days go to events_default"
        advice = "Any collector makes them when it starts, and moves what is in the default one."
        return warning("partitions", found, advice)
    return ok("partitions", "today and tomorrow have theirs")
