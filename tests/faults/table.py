"""The record of a run: for people, as Markdown for docs/reliability.md, and as JSON."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench import machine
from bench.markdown import table
from ops.local.binaries import ROOT
from tests.faults.balance import Reckoning
from tests.faults.fault import Fault, Observation

DOCUMENT = ROOT / "docs" / "reliability.md"

_HEAD = ("fault", "what was observed", "events sent", "lost", "doubled", "recovered after")


def catalogue(faults: Sequence[Fault]) -> list[str]:
    """Every fault, what is done, and what must hold."""
    return table(
        ("fault", "what is done", "what must hold, beside the ledger"),
        [(fault.name, fault.what, fault.invariant) for fault in faults],
    )


def rows(observations: Sequence[Observation]) -> list[tuple[str, ...]]:
    """One row for each injection, in the order in which they were."""
    return [
        (
            one.fault,
            one.observed,
            f"{one.sent:,}",
            str(one.lost),
            str(one.doubled),
            "NOT" if one.recovered_after is None else f"{one.recovered_after:.1f} s",
        )
        for one in observations
    ]


def markdown(command: str, observations: Sequence[Observation], reckonings: Sequence[Reckoning]) -> list[str]:
    """What the document shows of a run."""
    facts = [fact for fact in machine.facts(f"`{command}`") if fact[0] != "settings"]
    last = reckonings[-1]
    balance = last.balance
    sums = [
        ("events sent", f"{balance.sent:,}"),
        ("accepted, repeated ones each time", f"{balance.accepted:,}"),
        ("= stored, each once", f"{balance.stored - balance.stored_of_unknown:,}"),
        ("+ duplicates, known to the ledger", f"{balance.duplicates:,}"),
        ("+ still in the stream", f"{last.left_in_stream:,}"),
        ("stored, though no answer said so", f"{balance.stored_of_unknown:,}"),
        ("rejected, and not stored", f"{balance.rejected_ids:,}"),
        ("dead letters", f"{last.dead_letters:,}"),
        ("lost / doubled", f"{balance.lost.total()} / {balance.doubled.total()}"),
        ("faults injected", str(len(observations))),
    ]
    return [*table(("", ""), facts), "", *table(("", ""), sums), "", *table(_HEAD, rows(observations))]


def record(section: str, lines: Sequence[str], document: Path = DOCUMENT) -> None:
    """Replaces what is between the two marks of this section of the document."""
    begin, end = f"<!-- recorded: {section} -->", f"<!-- end of {section} -->"
    text = document.read_text()
    before, found, rest = text.partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise ValueError(f"{document} has no section between {begin} and {end}")
    document.write_text("\n".join((before + begin, "", *lines, "", end + after)))


def write_json(
    file: Path,
    command: str,
    observations: Sequence[Observation],
    reckonings: Sequence[Reckoning],
    problems: list[str],
) -> None:
    """Everything that was observed."""
    content = {
        "command": command,
        "problems": problems,
        "faults": observations,
        "reckonings": reckonings,
    }
    file.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
