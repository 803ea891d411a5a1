"""The one screen, in 80 columns or more. Colours on a terminal only."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from console.status.findings import Finding
from console.status.snapshot import ServiceState, Snapshot
from console.words import UNKNOWN, count, duration, share, size

_HEALTH_STYLES = {"ready": "green", "degraded": "yellow", "not ready": "bold red", "away": "bold red"}
_SHOWN_DEAD_LETTERS = 8


def show(console: Console, snapshot: Snapshot, findings: Sequence[Finding]) -> None:
    """Prints everything: figures first, then what is wrong."""
    problems = sum(finding.severity == "problem" for finding in findings)
    verdict = Text("all is well", "green") if not problems else Text(f"{problems} wrong", "bold red")
    console.print(Text.assemble(("Sluice", "bold"), f" at {snapshot.at:%Y-%m-%d %H:%M:%S} UTC: ", verdict))
    _section(console, _sources(snapshot))
    _show_canaries(console, snapshot)
    _section(console, _processes(snapshot))
    _section(console, _streams(snapshot))
    if snapshot.dead_letters or (snapshot.dead_letters is None and snapshot.reaches("nats")):
        _section(console, _dead_letters(snapshot))
    _show_findings(console, findings)


def _section(console: Console, table: Table) -> None:
    console.print()
    console.print(table)


def _table(*headings: str, right: Iterable[int] = ()) -> Table:
    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=any(headings)
    )
    for number, heading in enumerate(headings):
        last = number == len(headings) - 1
        table.add_column(
            heading, justify="right" if number in right else "left", no_wrap=not last, overflow="fold"
        )
    return table


def _sources(snapshot: Snapshot) -> Table:
    table = _table(
        "source",
        "accepted/s",
        "stored/s",
        "waiting",
        "oldest",
        "caught up in",
        "reports lack",
        right=range(1, 7),
    )
    for source in snapshot.sources:
        endless = source.catch_up_seconds is None and bool(source.batches)
        table.add_row(
            source.source,
            count(source.accepted_per_second),
            count(source.stored_per_second),
            count(source.events) if source.events is not None else _batches(source.batches),
            duration(source.oldest_seconds),
            Text(UNKNOWN, "yellow") if endless else duration(source.catch_up_seconds),
            duration(source.report_lag_seconds),
        )
    return table


def _show_canaries(console: Console, snapshot: Snapshot) -> None:
    """A line below the sources: the table has no room for another column."""
    ages = [
        f"{source.source} {duration(source.canary_seconds)} ago"
        for source in snapshot.sources
        if source.canary_seconds is not None
    ]
    if ages:
        console.print(Text(f"youngest canary that came through: {', '.join(ages)}", "dim"))


def _batches(batches: int | None) -> str:
    return UNKNOWN if batches is None else f"{batches:,} batches"


def _processes(snapshot: Snapshot) -> Table:
    table = _table("", "process", "")
    for server in snapshot.servers:
        mark = Text("ready", "green") if server.reached else Text("away", "bold red")
        table.add_row(mark, server.name, Text(server.detail, "dim"))
    for service in snapshot.services:
        table.add_row(Text(service.health, _HEALTH_STYLES[service.health]), service.name, _told(service))
    return table


def _told(service: ServiceState) -> Text:
    failing = "; ".join(f"{check.name}: {check.detail}" for check in service.failing)
    return Text(failing or service.detail or service.address, "dim")


def _streams(snapshot: Snapshot) -> Table:
    table = _table("stream", "full", "bytes", "of", "messages", right=range(1, 5))
    for stream in snapshot.streams:
        if stream.exists:
            limit = size(stream.max_bytes)
            figures = (share(stream.share), size(stream.bytes), limit, count(stream.messages))
        else:
            figures = (Text("missing", "bold red"), UNKNOWN, UNKNOWN, UNKNOWN)
        table.add_row(stream.name, *figures)
    if not snapshot.streams:
        table.add_row(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    return table


def _dead_letters(snapshot: Snapshot) -> Table:
    table = _table("dead letters", "reason", "kept", right=(2,))
    if snapshot.dead_letters is None:
        table.add_row("too many to count in passing", "./sluice dead-letters list", UNKNOWN)
        return table
    shown = snapshot.dead_letters[:_SHOWN_DEAD_LETTERS]
    for letter in shown:
        table.add_row(letter.source, letter.reason, count(letter.letters))
    if others := snapshot.dead_letters[_SHOWN_DEAD_LETTERS:]:
        table.add_row("and others", "", count(sum(letter.letters for letter in others)))
    return table


def _show_findings(console: Console, findings: Sequence[Finding]) -> None:
    for finding in findings:
        style = "bold red" if finding.severity == "problem" else "yellow"
        console.print()
        console.print(Text.assemble((finding.severity, style), f": {finding.what}"), soft_wrap=False)
        console.print(Padding(Text(finding.advice, "dim"), (0, 0, 0, 2), expand=False))
