"""Are the versions among those that were tried?"""

import asyncio
import platform
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

import msgspec

from console.doctor.result import Result, failed, ok, warning
from console.doctor.surroundings import ROOT, Surroundings
from console.redis_facts import redis_facts

_NODE_SECONDS = 5.0
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)\s*(;)?", re.MULTILINE)

Version = tuple[int, ...]


class Range(msgspec.Struct, frozen=True):
    """Below `lowest` something is missing that Sluice needs. `tried` is what its tests have run with, first to last."""

    lowest: Version
    tried: tuple[Version, Version]


RANGES: Mapping[str, Range] = {
    "Python": Range((3, 11), ((3, 11), (3, 13))),
    "Node": Range((20,), ((20,), (24,))),
    "NATS": Range((2, 11), ((2, 15), (2, 15))),
    "Postgres": Range((15,), ((15,), (18,))),
    "Redis": Range((6, 2), ((6, 2), (6, 2))),
}


def parse(text: str) -> Version:
    """The numbers that a version begins with: `18.1 (Debian …)` is (18, 1). Raises ValueError when there is none."""
    match = re.search(r"\d+(?:\.\d+)*", text)
    if match is None:
        raise ValueError(f"no version: {text!r}")
    return tuple(int(part) for part in match[0].split("."))


def judge(name: str, text: str) -> Iterator[Result]:
    """A version against its range."""
    known = RANGES[name]
    lowest, (first, last) = known.lowest, known.tried
    found = parse(text)
    tried = _shown(first) if first == last else f"{_shown(first)} to {_shown(last)}"
    if found[: len(lowest)] < lowest:
        advice = f"{name} {_shown(lowest)} is the least that works; {tried} was tried."
        yield from failed("versions", f"{name} {text} is too old", advice)
    elif not first <= found[: len(first)] or found[: len(last)] > last:
        advice = f"Nothing has to be done; {tried} was tried."
        yield from warning("versions", f"{name} {text} was not tried", advice)
    else:
        yield from ok("versions", f"{name} {text}")


def _shown(number: Version) -> str:
    return ".".join(str(part) for part in number)


def python(_: Surroundings) -> Iterable[Result]:
    """The interpreter."""
    return judge("Python", platform.python_version())


def packages(_: Surroundings) -> Iterable[Result]:
    """What is installed is what the lock says."""
    lock = (ROOT / "requirements.txt").read_text()
    return against_lock(lock, installed_versions(lock))


def installed_versions(lock: str) -> Mapping[str, str]:
    """The installed version of each package that the lock names, where there is one."""
    found: dict[str, str] = {}
    for match in _PINNED.finditer(lock):
        try:
            found[match[1]] = version(match[1])
        except PackageNotFoundError:
            continue
    return found


def against_lock(lock: str, installed: Mapping[str, str]) -> Iterator[Result]:
    """Which packages differ. One that the lock wants on some platforms only may be missing."""
    pinned: dict[str, set[str]] = {}
    for match in _PINNED.finditer(lock):
        pinned.setdefault(match[1], set()).add(match[2])
    sometimes = {match[1] for match in _PINNED.finditer(lock) if match[3]}
    missing = sorted(name for name in pinned if name not in installed and name not in sometimes)
    other = sorted(
        f"{name} {installed[name]} instead of {' or '.join(sorted(versions))}"
        for name, versions in pinned.items()
        if name in installed and installed[name] not in versions
    )
    advice = "./start.sh installs what requirements.txt says."
    if missing:
        yield from failed("packages", f"missing: {', '.join(missing)}", advice)
    if other:
        yield from warning("packages", f"other than locked: {', '.join(other)}", advice)
    if not missing and not other:
        yield from ok("packages", f"{len(pinned)} packages as locked")


async def node(surroundings: Surroundings) -> Iterable[Result]:
    """Node, which the query engine runs on."""
    program = surroundings.environ.get("SLUICE_NODE") or shutil.which("node")
    if not program:
        advice = "Install Node 20 or newer, or name it by SLUICE_NODE."
        return failed("versions", "Node is neither on the path nor in SLUICE_NODE", advice)
    try:
        process = await asyncio.create_subprocess_exec(program, "--version", stdout=asyncio.subprocess.PIPE)
        output, _ = await asyncio.wait_for(process.communicate(), _NODE_SECONDS)
        return list(judge("Node", output.decode().strip().removeprefix("v")))
    except (OSError, TimeoutError, ValueError) as error:
        return failed("versions", f"{program} does not run: {error}", "SLUICE_NODE names Node.")


async def nats(surroundings: Surroundings) -> Iterable[Result]:
    """The NATS server."""
    return judge("NATS", surroundings.streams.version)


async def postgres(surroundings: Surroundings) -> Iterable[Result]:
    """The Postgres server."""
    (row,) = await surroundings.query("SELECT current_setting('server_version') AS version")
    return judge("Postgres", str(row["version"]).split(" ")[0])


async def redis(surroundings: Surroundings) -> Iterable[Result]:
    """The Redis server, and that it evicts nothing."""
    if surroundings.redis is None:
        return []
    facts = await redis_facts(surroundings.redis)
    found = list(judge("Redis", facts.version))
    if facts.eviction != "noeviction":
        advice = "maxmemory-policy noeviction: a missing counter would read as zero."
        found += warning("Redis", f"it may throw counters away: {facts.eviction}", advice)
    return found
