"""The live counters on a terminal."""

import heapq
from collections.abc import Mapping

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.dead_letters_rendering import printable
from pipeline.live import Comparison, Rebuilt

_DIFFERENCES = 20
_MEMBERS = 10
"""Of counters that have a field for each post, only the greatest are shown: there may be millions."""

_MEANINGS = {
    "held": "somebody rebuilds or checks them at the moment",
    "unbuilt": "not built yet, or wiped: a collector builds them, or ./sluice counters rebuild",
    "restarted": "Redis was restarted: a collector builds them anew, or ./sluice counters rebuild",
    "damaged": "a key is not ours: a collector builds them anew, or ./sluice counters rebuild",
    "outdated": "updates went missing: a collector builds them anew, or ./sluice counters rebuild",
}


class Shown(msgspec.Struct, frozen=True):
    """What one source's counters say: numbers by key and field."""

    condition: str
    waiting: int
    values: dict[str, dict[str, int]]


def show_rebuilt(console: Console, made: Mapping[str, Rebuilt]) -> None:
    """One line for each source."""
    for source, each in made.items():
        console.print(f"{source}: {each.events:,} events in {each.keys:,} keys, {each.seconds * 1000:.0f} ms")


def show_checked(console: Console, found: Mapping[str, Comparison]) -> None:
    """One line for each source, and what differs."""
    for source, each in found.items():
        if each.condition != "good":
            console.print(Text(f"{source}: {_MEANINGS.get(each.condition, each.condition)}", "bold red"))
        elif not each.differences:
            console.print(f"{source}: all {each.compared:,} counters agree, {each.waiting:,} updates wait")
        if each.differences:
            _show_differences(console, source, each)


def show_counters(console: Console, found: Mapping[str, Shown]) -> None:
    """A table for each source: what is retained, and the days that are counted."""
    for source, each in found.items():
        state = "" if each.condition == "good" else f" ({_MEANINGS.get(each.condition, each.condition)})"
        console.print(f"{source}: {each.waiting:,} updates wait{state}")
        if not each.values:
            continue
        by_type = {key: numbers for key, numbers in each.values.items() if key.startswith(f"events:{source}")}
        _show_by_type(console, by_type)
        if posts := {key: numbers for key, numbers in each.values.items() if key not in by_type}:
            _show_greatest(console, posts)


def _show_by_type(console: Console, values: Mapping[str, Mapping[str, int]]) -> None:
    fields = sorted({field for numbers in values.values() for field in numbers})
    table = Table("key", box=box.SIMPLE_HEAD)
    for field in fields:
        table.add_column(Text(printable(field)), justify="right")
    for key in sorted(values):
        table.add_row(Text(printable(key)), *(f"{values[key].get(field, 0):,}" for field in fields))
    console.print(table)


def _show_greatest(console: Console, values: Mapping[str, Mapping[str, int]]) -> None:
    table = Table("key", box=box.SIMPLE_HEAD)
    for name in ("posts", "sum"):
        table.add_column(name, justify="right")
    table.add_column("the greatest")
    for key in sorted(values):
        numbers = values[key]
        greatest = heapq.nlargest(_MEMBERS, numbers, key=lambda post: (numbers[post], post))
        shown = ", ".join(f"{printable(post)} {numbers[post]:,}" for post in greatest)
        table.add_row(Text(printable(key)), f"{len(numbers):,}", f"{sum(numbers.values()):,}", Text(shown))
    console.print(table)


def _show_differences(console: Console, source: str, comparison: Comparison) -> None:
    differences = comparison.differences
    count = "1 counter differs" if len(differences) == 1 else f"{len(differences):,} counters differ"
    console.print(Text(f"{source}: {count} from Postgres: ./sluice counters rebuild", "bold red"))
    table = Table("key", "field", box=box.SIMPLE_HEAD)
    table.add_column("Redis", justify="right")
    table.add_column("Postgres", justify="right")
    for each in differences[:_DIFFERENCES]:
        table.add_row(
            Text(printable(each.key)), Text(printable(each.field)), f"{each.redis:,}", f"{each.postgres:,}"
        )
    console.print(table)
    if len(differences) > _DIFFERENCES:
        console.print(f"… and {len(differences) - _DIFFERENCES:,} more: --json lists all of them")
