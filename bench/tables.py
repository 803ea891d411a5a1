"""The results for people, on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench.markdown import COST_HEAD, caution, cost_rows, word
from bench.outcome import Outcome, Verdict

_STYLES = {True: "green", False: "red", None: ""}


def show_outcome(console: Console, outcome: Outcome) -> None:
    """One section, as soon as it is done."""
    console.rule(outcome.title, align="left")
    if outcome.error:
        console.print(f"not measured: {outcome.error}", style="red", markup=False, highlight=False)
        return
    figures = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for row in outcome.rows:
        figures.add_row(*row)
    console.print(figures, highlight=False)
    if outcome.usage is not None:
        costs = Table(box=None, padding=(0, 2, 0, 0))
        for index, name in enumerate(COST_HEAD):
            costs.add_column(name, justify="left" if index == 0 else "right")
        for row in cost_rows(outcome.usage):
            costs.add_row(*row)
        console.print()
        console.print(costs, highlight=False)
        console.print(caution(outcome.usage), style="yellow", highlight=False)


def show_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """Targets and ratios, at the end."""
    if not verdicts:
        return
    console.rule("Targets and ratios", align="left")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for verdict in verdicts:
        table.add_row(verdict.target, verdict.measured, word(verdict), style=_STYLES[verdict.met])
    console.print(table, highlight=False)
