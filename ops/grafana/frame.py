"""What every dashboard has: its name, its links to the others, the range of time, and panels in their places."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from ops.grafana.sources import POSTGRES, PROMETHEUS, REDIS

TAG = "sluice"
INTERVALS = ["5s", "10s", "30s", "1m", "5m", "15m", "1h"]


@dataclass(frozen=True, kw_only=True)
class Section:
    """Panels under a heading. They fill lines of 24 cells, from left to right; those of a line have one height."""

    heading: str
    panels: Sequence[Panel]


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard. `since` is the beginning of the range that it shows at first, as Grafana writes it."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    variables: Sequence[Builder[VariableModel]] = ()
    since: str = "now-1h"
    refresh: str = "10s"
    timezone: str = "browser"

    @property
    def file_name(self) -> str:
        """Of its JSON."""
        return f"{self.title.lower().replace(' ', '-')}.json"


class Placed(Builder[Panel]):
    """A panel that is built already."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def build(self) -> Panel:
        """The panel."""
        return self._panel


def build(board: Board) -> Dashboard:
    """As Grafana loads it."""
    others = (
        dashboard.DashboardLink("Sluice")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(False)
        .include_vars(False)
        .keep_time(True)
        .icon("external link")
    )
    builder = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(board.since, "now")
        .timepicker(dashboard.TimePicker().refresh_intervals(INTERVALS))
        .refresh(board.refresh)
        .timezone(board.timezone)
        .link(others)
        .variables(list(board.variables))
    )
    for section in board.sections:
        builder = builder.with_row(dashboard.Row(section.heading))
        for panel in section.panels:
            builder = builder.with_panel(Placed(panel))
    built = builder.build()
    for number, panel in enumerate(built.panels or (), start=1):
        panel.id_val = number
    return built


def services_variable() -> Builder[VariableModel]:
    """`$service`, as a pattern for PromQL."""
    return _of_prometheus("service", "Service", "label_values(service_uptime_seconds, service)")


def sources_variable() -> Builder[VariableModel]:
    """`$source`, as a pattern for PromQL."""
    return _of_prometheus("source", "Source", "label_values(consumer_lag_events, source)")


def stored_sources_variable() -> Builder[VariableModel]:
    """`$source`, as a list of SQL literals."""
    statement = "SELECT source FROM collector_progress ORDER BY source"
    return _choice("source", "Source").query(statement).datasource(POSTGRES)


def one_source_variable() -> Builder[VariableModel]:
    """`$source`, one of them, as it is."""
    statement = "SELECT source FROM collector_progress ORDER BY source"
    return _choice("source", "Source", several=False).query(statement).datasource(POSTGRES)


def liked_post_variable() -> Builder[VariableModel]:
    """`$post`, one of the fifty that most people like; any other can be typed in."""
    return (
        _choice("post", "Post", several=False)
        .query("ZREVRANGE top_posts 0 49")
        .datasource(REDIS)
        .sort(VariableSort.DISABLED)
    )


def _of_prometheus(name: str, label: str, query: str) -> Builder[VariableModel]:
    asked: dict[str, object] = {"query": query, "refId": "StandardVariableQuery"}
    return _choice(name, label).query(asked).datasource(PROMETHEUS).all_value(".+")


def _choice(name: str, label: str, several: bool = True) -> dashboard.QueryVariable:
    choice = (
        dashboard.QueryVariable(name)
        .label(label)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )
    return choice.current(VariableOption(text=["All"], value=["$__all"])) if several else choice
