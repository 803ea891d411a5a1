"""The command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.targets import AIM_PER_SECOND

THROUGHPUT = ("firehose", "steady", "closed")
SECTIONS = (*THROUGHPUT, "single", "latency", "memory", "copy", "peer")
GROUPS = {"pipeline": THROUGHPUT}
RESULTS = Path(__file__).with_name("RESULTS.md")


class Options(msgspec.Struct, frozen=True):
    """`seconds` is the length of the firehose; the other sections take their share of it."""

    seconds: float = 60.0
    rate: int = AIM_PER_SECOND
    only: tuple[str, ...] = SECTIONS
    output: Path | None = None

    def seconds_at_most(self, limit: float) -> float:
        return min(self.seconds, limit)


def parse(arguments: Sequence[str]) -> Options:
    """Exits with status 2 when an option is wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures Sluice on this machine.")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="length of the firehose; other sections at most 15 to 60"
    )
    parser.add_argument(
        "--rate",
        type=int,
        default=AIM_PER_SECOND,
        help="events a second of firehose and steady (%(default)s)",
    )
    parser.add_argument(
        "--only",
        type=_sections,
        default=SECTIONS,
        help=f"some of {', '.join(SECTIONS)}; pipeline is the first three",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where to write the results")
    parser.add_argument("--no-write", action="store_true", help="only print them")
    given = parser.parse_args(arguments)
    if given.seconds < 1 or given.rate < 1000:
        parser.error("--seconds must be at least 1, --rate at least 1000")
    return Options(given.seconds, given.rate, given.only, None if given.no_write else given.output)


def _sections(text: str) -> tuple[str, ...]:
    wanted: set[str] = set()
    for name in (part.strip() for part in text.split(",")):
        if name not in SECTIONS and name not in GROUPS:
            raise argparse.ArgumentTypeError(f"no section {name!r}")
        wanted.update(GROUPS.get(name, (name,)))
    return tuple(name for name in SECTIONS if name in wanted)
