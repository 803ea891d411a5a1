"""The command: looks once, or again and again, and tells by its exit status whether something is wrong."""

import asyncio
import sys

import click
import msgspec
from rich.console import Console

from console.context import Context
from console.status.findings import Finding, findings_of
from console.status.looking import Observer
from console.status.screen import show
from console.status.snapshot import Snapshot

_FLOW_SECONDS = 1.0


class Status(msgspec.Struct, frozen=True):
    """What `--json` writes, one line a look."""

    healthy: bool
    findings: list[Finding]
    snapshot: Snapshot


@click.command(short_help="Do events flow, how far behind is what, what fails and what to do.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object in place of the screen.")
@click.option(
    "--watch",
    "every_seconds",
    type=click.FloatRange(min=0),
    is_flag=False,
    flag_value=2.0,
    metavar="[SECONDS]",
    help="Look again and again, with so many seconds in between (2).",
)
@click.pass_obj
def status(context: Context, *, as_json: bool, every_seconds: float | None) -> None:
    """Whether events flow, how far behind each source is, what is failing and what to do about it.

    Exit status: 0 when all is well, 1 when something is wrong.
    """
    settings = context.console

    async def look() -> bool:
        console = Console(highlight=False)
        async with Observer(settings, context.environ) as observer:
            while True:
                snapshot = await observer.snapshot(_FLOW_SECONDS)
                healthy = _tell(console, snapshot, as_json=as_json, clear=every_seconds is not None)
                if every_seconds is None:
                    return healthy
                await asyncio.sleep(every_seconds)

    try:
        healthy = asyncio.run(look())
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if healthy else 1)


def _tell(console: Console, snapshot: Snapshot, *, as_json: bool, clear: bool) -> bool:
    findings = findings_of(snapshot)
    healthy = all(finding.severity != "problem" for finding in findings)
    if as_json:
        click.echo(msgspec.json.encode(Status(healthy, findings, snapshot)))
        return healthy
    if clear and console.is_terminal:
        console.clear()
    show(console, snapshot, findings)
    return healthy
