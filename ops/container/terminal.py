"""What a person sees, in the form of `ops.local.terminal`, with the standard library alone."""

import sys
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TextIO

NAME_WIDTH = 30
COLOURS = {"green": "32", "yellow": "33", "red": "1;31", "dim": "2"}


def line(mark: str, style: str, name: str, detail: str = "", to: TextIO | None = None) -> None:
    """One aligned line: a coloured mark, a name, a detail."""
    out = to or sys.stdout
    print(
        _painted(f"  {mark:<8}", style, out) + f"{name:<{NAME_WIDTH}}" + _painted(detail, "dim", out),
        file=out,
        flush=True,
    )


@contextmanager
def step(name: str) -> Generator[None]:
    """Something that takes a moment: named when it begins, timed when it is done."""
    started = time.monotonic()
    if sys.stdout.isatty():
        print(f"  ...     {name}", end="\r", flush=True)
    else:
        line("...", "dim", name)
    yield
    line("ok", "green", name, f"{time.monotonic() - started:.1f} s")


def failure(message: str) -> None:
    """Something went wrong: the first line stands out, the rest explains."""
    first, _, rest = message.partition("\n")
    line("FAILED", "red", first, to=sys.stderr)
    for text in rest.splitlines():
        print(_painted(f"          {text}", "dim", sys.stderr), file=sys.stderr)


def table(rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns without lines around them."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _painted(text: str, style: str, out: TextIO) -> str:
    return f"\033[{COLOURS[style]}m{text}\033[0m" if text and out.isatty() else text
