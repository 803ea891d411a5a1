"""The figures as the table of docs/alerts.md."""

from alerts.simulation.attacks import HARD_SHAPES
from alerts.simulation.figures import Figures, ShapeFigures

_BEGIN, _END = "<!-- simulated figures -->", "<!-- end of simulated figures -->"


def table_of(figures: Figures, seeds: range) -> str:
    """Markdown."""
    attacks = sum(shape.attacks for shape in figures.shapes)
    lines = [
        f"Seeds {seeds[0]} to {seeds[-1]}: normal days with a viral post, and the same days with {attacks} attacks.",
        "",
        "| attack | attacks | found | alerts for each | minutes to it, median | p95 | bot actions by then, median |",
        "|---|---|---|---|---|---|---|",
        *map(_row, figures.shapes),
        "",
        "| | |",
        "|---|---|",
        f"| FRAUD alerts on the normal days | {figures.false_alarms_on_normal_days} |",
        f"| precision on the attacked days | {figures.precision:.1%} |",
        f"| recall, without the shapes made to be missed | {figures.recall:.1%} |",
        f"| recall, with them | {figures.recall_of_all:.1%} |",
    ]
    return "\n".join(lines)


def put_between_marks(document: str, table: str) -> str:
    """The document with the table in its place. Raises ValueError when it has no marks."""
    before, begin, rest = document.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"no {_BEGIN} … {_END} in it")
    return f"{before}{begin}\n{table}\n{end}{after}"


def _row(shape: ShapeFigures) -> str:
    name = f"{shape.shape} (made to be missed)" if shape.shape in HARD_SHAPES else shape.shape
    each = f"{shape.alerts / shape.found:.2f}" if shape.found else "-"
    found = f"{shape.found / shape.attacks:.0%}"
    minutes, late, actions = map(_number, (shape.minutes_median, shape.minutes_p95, shape.actions_median))
    return f"| {name} | {shape.attacks} | {found} | {each} | {minutes} | {late} | {actions} |"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
