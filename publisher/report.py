"""The closing summary for people."""

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from publisher.summary import AttackResult, Summary

_SHOWN_OFFENDERS = 20


def show_summary(console: Console, summary: Summary) -> None:
    """The closing summary, and the offenders of a verification that failed."""
    table = Table(title=f"publisher, seed {summary.seed}", show_header=False)
    for name, value in _rows(summary):
        table.add_row(name, value)
    console.print(table)
    if summary.attack is not None:
        console.print(_attack(summary.attack), markup=False, highlight=False, soft_wrap=True)
    found = summary.verification
    if found is None:
        return
    reports = (
        "reports agree with the truth" if found.reports_compared else f"reports not compared: {found.note}"
    )
    if found.passed:
        console.print(f"verified: {found.rows:,} events stored exactly once; {reports}", highlight=False)
        return
    console.print(
        f"verification FAILED: {found.offender_count:,} offenders, {found.rows:,} events stored",
        highlight=False,
    )
    for offender in found.offenders[:_SHOWN_OFFENDERS]:
        line = f"  {offender.offence}: {offender.subject} ({offender.detail})"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _attack(attack: AttackResult) -> str:
    if attack.is_caught:
        return f"caught: {attack.rule} raised an alert about {attack.post} {attack.seconds:.1f} s after its first bot"
    if attack.alerts:
        return f"FAILED: {attack.alerts} alerts about {attack.post}, and there was one attack"
    return f"NOT CAUGHT: no FRAUD alert about {attack.post} ({attack.problem})"


def _rows(summary: Summary) -> Iterator[tuple[str, str]]:
    yield "sent", f"{summary.sent:,} events in {summary.posts:,} POSTs, {summary.bytes / 1e6:,.1f} MB"
    yield "took", f"{summary.elapsed_seconds:,.1f} s, {summary.events_per_second:,.0f} events/s"
    yield "accepted", f"{summary.accepted:,}"
    yield "rejected", f"{summary.rejected:,} (corrupted on purpose: {summary.corrupted:,})"
    yield "unknown", f"{summary.unknown:,}"
    yield "duplicates", f"{summary.duplicates:,} sent again on purpose"
    yield "answers", ", ".join(f"{status}: {count:,}" for status, count in summary.answers.items()) or "none"
    yield "retries", f"{summary.retries:,}"
    percentiles = (summary.latency_p50_ms, summary.latency_p95_ms, summary.latency_p99_ms)
    shown = " / ".join("-" if value is None else f"{value:,.1f}" for value in percentiles)
    yield "latency p50 / p95 / p99", f"{shown} ms"


def console_for(file_is_stdout: bool = True) -> Console:
    """Colours and bars on a terminal only; lines in a pipe are never wrapped to a terminal's width."""
    return Console(file=sys.stdout if file_is_stdout else sys.stderr)
