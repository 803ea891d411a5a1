"""The command: runs all checks and tells by its exit status whether one failed."""

import asyncio
import sys
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.context import Context
from console.doctor.checks import run_all
from console.doctor.result import Result
from console.doctor.surroundings import Surroundings

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_INDENT = 22


class Report(msgspec.Struct, frozen=True):
    """What `--json` writes."""

    healthy: bool
    checks: Sequence[Result]


@click.command(short_help="What will cause trouble, and what to do about it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of the list.")
@click.option("--problems", is_flag=True, help="Only what is not ok.")
@click.pass_obj
def doctor(context: Context, *, as_json: bool, problems: bool) -> None:
    """Checks configuration, versions, ports, disk, clock, schema and streams, and says what to do. Changes nothing.

    Exit status: 0 when nothing failed (warnings may be there), 1 when something did.
    """
    results = asyncio.run(_examine(context))
    healthy = all(result.status != "failed" for result in results)
    shown = [result for result in results if result.status != "ok"] if problems else results
    if as_json:
        click.echo(msgspec.json.encode(Report(healthy, shown)))
    else:
        show(Console(highlight=False), shown, results)
    sys.exit(0 if healthy else 1)


async def _examine(context: Context) -> list[Result]:
    async with Surroundings(context.console, context.environ) as surroundings:
        return await run_all(surroundings)


def show(console: Console, shown: Sequence[Result], results: Sequence[Result]) -> None:
    """One line a result, with what to do below it. Colours on a terminal only."""
    for result in shown:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=7, no_wrap=True)
        grid.add_column(width=13, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(Text(result.status, _STYLES[result.status]), result.name, Text(result.found))
        console.print(grid)
        if result.advice:
            console.print(Padding(Text(result.advice, "dim"), (0, 0, 0, _INDENT), expand=False))
    count = {status: sum(result.status == status for result in results) for status in _STYLES}
    console.print(f"\n{count['ok']} ok, {count['warning']} warnings, {count['failed']} failed")
