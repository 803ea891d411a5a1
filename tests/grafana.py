"""The generated dashboards as Grafana reads them, and their queries as it would send them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.grafana.generating import FOLDER

DASHBOARDS = FOLDER / "dashboards"

_VARIABLE = re.compile(r"\$\{(\w+)(?::([^}]*))?\}|\$(\w+)")
_MACRO = re.compile(r"\$(__\w+)\(([^)]*)\)")


@dataclass(frozen=True)
class Target:
    """A query of a panel, or of a variable, which has no panel."""

    dashboard: str
    panel: str
    letter: str
    source: str
    words: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard} / {self.panel} / {self.letter}"


def dashboards() -> Iterator[tuple[str, dict[str, Any]]]:
    """File names and what is in them."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that show something: headings are none."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets(source: str) -> list[Target]:
    """All queries to one data source, by its uid."""
    found = [
        Target(dashboard["title"], panel["title"], query["refId"], query["datasource"]["uid"], query)
        for _, dashboard in dashboards()
        for panel in panels(dashboard)
        for query in panel["targets"]
    ]
    return [target for target in found if target.source == source]


def variable_queries(source: str) -> list[Target]:
    """What is asked for the choices of variables."""
    found: list[Target] = []
    for _, dashboard in dashboards():
        for variable in dashboard["templating"]["list"]:
            asked = variable["query"]
            statement = asked["query"] if isinstance(asked, dict) else asked
            uid = variable["datasource"]["uid"]
            found.append(Target(dashboard["title"], f"${variable['name']}", "", uid, {"query": statement}))
    return [target for target in found if target.source == source]


def replaced(text: str, values: Mapping[str, str], to: datetime) -> str:
    """With variables replaced as `values` has them; raises KeyError for one that it has not. Macros stay."""

    def value(match: re.Match[str]) -> str:
        name, form = match[1] or match[3], match[2]
        if name == "__to" and form:
            assert form.startswith("date:"), form
            return to.strftime(
                form.removeprefix("date:").replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d")
            )
        return values[name]

    macros = {match.span()[0] for match in _MACRO.finditer(text)}
    return _VARIABLE.sub(lambda match: match[0] if match.span()[0] in macros else value(match), text)


def expanded(statement: str, begin: datetime, end: datetime) -> str:
    """SQL with Grafana's macros replaced as its Postgres data source does it. Raises AssertionError for others."""
    first, last = (f"'{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'" for at in (begin, end))

    def macro(match: re.Match[str]) -> str:
        match match[1]:
            case "__timeFrom":
                return first
            case "__timeTo":
                return last
            case "__timeFilter":
                return f"{match[2]} BETWEEN {first} AND {last}"
            case other:
                raise AssertionError(f"{other} is not known here")

    return _MACRO.sub(macro, statement)


def files_below(folder: Path) -> set[str]:
    """Generated files, relative to the folder."""
    return {
        path.relative_to(folder).as_posix()
        for name in ("dashboards", "provisioning", "provisioning-tls")
        for path in (folder / name).rglob("*")
        if path.is_file()
    }
