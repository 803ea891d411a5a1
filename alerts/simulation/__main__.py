"""`python -m alerts.simulation --seeds 100` measures the rules, and writes the table of docs/alerts.md with --write."""

import os
import tomllib
from pathlib import Path

import click

from alerts.rules import RuleProblem, parse_rules
from alerts.simulation.figures import figures_of, simulate_all
from alerts.simulation.markdown import put_between_marks, table_of

_RULES = Path(__file__).parents[1] / "rules.toml"


@click.command()
@click.option(
    "--seeds",
    default=100,
    show_default=True,
    help="So many days are simulated, each without and with attacks.",
)
@click.option("--first-seed", default=0, show_default=True, help="The seed of the first day.")
@click.option(
    "--rules", "rules_file", default=_RULES, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, help="Processes that work at it.")
@click.option(
    "--write", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="A file with marks for it."
)
def main(seeds: int, first_seed: int, rules_file: Path, workers: int, write: Path | None) -> None:
    """Simulates days of likes, attacks them, and tells how good the alert rules are."""
    try:
        rules = parse_rules(tomllib.loads(rules_file.read_text()).get("rule", []))
    except (RuleProblem, ValueError) as error:
        raise click.ClickException(f"{rules_file}: {error}") from None
    chosen = range(first_seed, first_seed + seeds)
    with click.progressbar(simulate_all(chosen, rules, workers), length=seeds, label="days") as scores:
        table = table_of(figures_of(list(scores)), chosen)
    click.echo(table)
    if write:
        write.write_text(put_between_marks(write.read_text(), table))


if __name__ == "__main__":
    main()
