"""What a person sees. On a terminal with colours and a spinner, in a pipe as plain lines."""

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

NAME_WIDTH = 30

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def line(mark: str, style: str, name: str, detail: str = "", console: Console = out) -> None:
    """One aligned line: a coloured mark, a name, a detail."""
    console.print(Text(f"  {mark:<8}", style), Text(f"{name:<{NAME_WIDTH}}"), Text(detail, "dim"), sep="")


@contextmanager
def step(name: str) -> Generator[None]:
    """Something that takes a moment: shown while it runs, timed when it is done."""
    started = time.monotonic()
    if out.is_terminal:
        with out.status(Text(f"{name} …")):
            yield
    else:
        line("...", "dim", name)
        yield
    line("ok", "green", name, f"{time.monotonic() - started:.1f} s")


def failure(message: str) -> None:
    """Something went wrong: the first line stands out, the rest explains."""
    first, _, rest = message.partition("\n")
    line("FAILED", "bold red", first, console=err)
    for text in rest.splitlines():
        err.print(Text(f"          {text}", "dim"))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns without lines around them."""
    grid = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in headings:
        grid.add_column(heading, no_wrap=True)
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    out.print(grid, soft_wrap=True)
