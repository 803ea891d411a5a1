"""The command line of `python -m tests.faults`."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault


@dataclass(frozen=True)
class Options:
    """`outage` replaces how long Postgres is away, in seconds; `default_timing` leaves the product's own deadlines."""

    seconds: float
    seed: int
    rate: float
    scale: float
    only: tuple[Fault, ...]
    outage: float | None
    json: Path | None
    record: bool

    @property
    def command(self) -> str:
        """How to repeat the run."""
        parts = [
            "python -m tests.faults",
            f"--seconds {self.seconds:g}",
            f"--seed {self.seed}",
            f"--rate {self.rate:g}",
        ]
        if len(self.only) != len(FAULTS):
            parts = parts[:1] + [f"--only {slug(fault)}" for fault in self.only] + parts[2:]
        if self.scale != 2:
            parts.append(f"--scale {self.scale:g}")
        if self.outage is not None:
            parts.append(f"--outage {self.outage:g}")
        return " ".join(parts)


def slug(fault: Fault) -> str:
    """The fault's name as it is written on the command line."""
    return fault.name.lower().replace(",", "").replace("'", "").replace(" ", "-")


def parse(arguments: Sequence[str]) -> Options:
    """Exits with status 2 when an option is wrong."""
    by_slug = {slug(fault): fault for fault in FAULTS}
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Injects faults into the real processes under load and reckons up what came of every event.",
    )
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="how long faults are injected (%(default)g)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and of the load (%(default)s)")
    parser.add_argument("--rate", type=float, default=5000.0, help="events a second (%(default)g)")
    parser.add_argument(
        "--scale",
        type=float,
        default=2.0,
        help="how much longer things are away than in the tests (%(default)g)",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=sorted(by_slug),
        metavar="FAULT",
        help="this fault, once; repeatable",
    )
    parser.add_argument("--outage", type=float, help="seconds that Postgres is away in `postgres-away`")
    parser.add_argument("--json", type=Path, help="write everything that was observed to this file")
    parser.add_argument("--record", action="store_true", help="write the table into docs/reliability.md")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    given = parser.parse_args(arguments)
    if given.list:
        parser.exit(message="".join(f"{name}\n    {fault.what}\n" for name, fault in by_slug.items()))
    return Options(
        seconds=given.seconds,
        seed=given.seed,
        rate=given.rate,
        scale=given.scale,
        only=tuple(by_slug[name] for name in given.only) if given.only else tuple(FAULTS),
        outage=given.outage,
        json=given.json,
        record=given.record,
    )
