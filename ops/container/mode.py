"""In containers or without: chosen at the first start and remembered, because each mode has data of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DOCKER, LOCAL = "docker", "local"
MARKER = "mode"


@dataclass(frozen=True)
class Choice:
    """`why` is for the person in front of the terminal."""

    mode: str
    why: str


def choose(arguments: Sequence[str], last: str, engine_problem: Callable[[], str]) -> Choice:
    """The mode of a start: what the command line says, else that of the last start, else containers where they work.

    `engine_problem` says why containers cannot be used, or is empty; it is asked only where that decides.
    """
    if "--docker" in arguments:
        return Choice(DOCKER, "as asked for")
    if "--local" in arguments:
        return Choice(LOCAL, "as asked for")
    if last:
        other = "--local" if last == DOCKER else "--docker"
        return Choice(last, f"as the last time ({other} for the other)")
    problem = engine_problem()
    if problem:
        return Choice(LOCAL, problem)
    return Choice(DOCKER, "a container engine answers (--local for a start without)")


def remembered(data: Path) -> str:
    """The mode of the last start; empty when there was none."""
    marker = data / MARKER
    if marker.exists():
        return marker.read_text().strip()
    return LOCAL if (data / "state.json").exists() else ""  # of a start when there was no other mode


def remember(data: Path, mode: str) -> None:
    """Note the mode for whoever comes next."""
    data.mkdir(parents=True, exist_ok=True)
    (data / MARKER).write_text(f"{mode}\n")
