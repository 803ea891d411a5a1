"""The results as Markdown."""

from collections.abc import Iterator, Mapping, Sequence

from bench.outcome import Outcome, Usage, Verdict

_QUIET_SHARE = 0.15
Rows = Sequence[Sequence[str]]


_HEADING = (
    "# Results",
    "",
    "Made by `python -m bench`. What each figure means is said in `bench/sections/`.",
    "",
)


def document(
    facts: Rows,
    outcomes: Mapping[str, Outcome],
    ratios: Sequence[Verdict],
    *,
    heading: Sequence[str] = _HEADING,
) -> str:
    """The whole of RESULTS.md, or of a file with another heading."""
    lines = [*heading, *table(("", ""), facts)]
    verdicts = [verdict for outcome in outcomes.values() for verdict in outcome.verdicts] + list(ratios)
    if verdicts:
        lines += ["", "## Targets and ratios", ""]
        lines += table(("target", "measured", ""), [(v.target, v.measured, word(v)) for v in verdicts])
    for outcome in outcomes.values():
        lines += ["", *_section(outcome)]
    return "\n".join(lines) + "\n"


def table(head: Sequence[str], rows: Rows) -> list[str]:
    """A Markdown table. A `|` in a cell would end it, so it is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def word(verdict: Verdict) -> str:
    """The verdict in a word; nothing for a ratio without a target."""
    return {True: "met", False: "MISSED", None: ""}[verdict.met]


def cost_rows(usage: Usage) -> Iterator[tuple[str, str, str, str]]:
    """Process, CPU seconds per 1,000 events, percent of one core, peak memory; the dearest first."""
    for cost in [*sorted(usage.costs, key=lambda cost: -cost.cpu_seconds), usage.total]:
        share = cost.cpu_seconds / max(usage.seconds, 1e-9)
        yield (
            cost.process,
            f"{usage.per_thousand(cost):.5f}",
            f"{share:.0%}",
            f"{cost.peak_bytes / 1e6:,.0f} MB",
        )
    yield ("everything else on the machine", "", f"{usage.elsewhere_share:.0%}", "")


def caution(usage: Usage) -> str:
    """A sentence when the machine was not ours alone: times and rates are then worse than they could be."""
    if usage.elsewhere_share <= _QUIET_SHARE:
        return ""
    return (
        f"Caution: other programs took {usage.elsewhere_share:.0%} of a core meanwhile. "
        "Rates and latencies are those of a busy machine; CPU seconds per event are more reliable."
    )


COST_HEAD = ("process", "CPU s per 1,000 events", "of one core", "memory peak")


def _section(outcome: Outcome) -> Iterator[str]:
    yield f"## {outcome.title}"
    yield ""
    if outcome.error:
        yield f"Not measured: {outcome.error}"
        return
    yield from table(("", ""), outcome.rows)
    if outcome.usage is not None:
        yield ""
        yield from table(COST_HEAD, list(cost_rows(outcome.usage)))
        if warning := caution(outcome.usage):
            yield from ("", warning)
