"""The dashboards are what their code says, and Grafana can show them: places, units, data sources, words."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from ops.grafana import frame, generating, palette
from ops.grafana.sources import CA_FILE, POSTGRES, PROMETHEUS, REDIS, VARIABLES
from tests.grafana import dashboards, files_below, panels

ALL = list(dashboards())
TITLES = {
    "Event Processing System",
    "Service health",
    "JetStream",
    "Historical analytics",
    "Real-time",
}
each_dashboard = pytest.mark.parametrize(
    "dashboard", [board for _, board in ALL], ids=[name for name, _ in ALL]
)
each_installation = pytest.mark.parametrize("folder", ["provisioning", "provisioning-tls"])


def provisioned(folder: str, kind: str) -> Any:
    """What Grafana reads of data sources or dashboards."""
    return yaml.safe_load((generating.FOLDER / folder / kind / "sluice.yaml").read_text())


def test_the_generated_files_are_up_to_date() -> None:
    made = generating.files()
    assert files_below(generating.FOLDER) == set(made)
    stale = [name for name, text in made.items() if (generating.FOLDER / name).read_bytes() != text.encode()]
    assert stale == [], "run python -m ops.grafana"


def test_generating_twice_gives_the_same_bytes() -> None:
    assert generating.files() == generating.files()


def test_there_is_each_dashboard_and_each_has_its_own_uid() -> None:
    assert {board["title"] for _, board in ALL} == TITLES
    assert len({board["uid"] for _, board in ALL}) == len(ALL)


@each_dashboard
def test_it_is_made_of_what_the_model_of_grafana_has(dashboard: dict[str, Any]) -> None:
    register_default_plugins()
    model = Dashboard.from_json(dashboard)
    assert json.loads(json.dumps(model, cls=JSONEncoder)) == dashboard, "a misspelt member would be gone"


@each_dashboard
def test_nobody_edits_it_by_hand_and_it_leads_to_the_others(dashboard: dict[str, Any]) -> None:
    assert dashboard["editable"] is False
    assert dashboard["refresh"] in frame.INTERVALS
    assert dashboard["time"] == {"from": dashboard["time"]["from"], "to": "now"}
    assert dashboard["description"].endswith(".")
    [links] = dashboard["links"]
    assert (links["type"], links["tags"]) == ("dashboards", dashboard["tags"])


@each_dashboard
def test_panels_have_ids_of_their_own_and_places_that_do_not_overlap(dashboard: dict[str, Any]) -> None:
    everything = dashboard["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    for panel in everything:
        place = panel["gridPos"]
        assert place["w"] > 0
        assert place["h"] > 0
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(everything, 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, f"{one['title']} lies on {other['title']}"


@each_dashboard
def test_every_line_of_panels_is_full_and_even(dashboard: dict[str, Any]) -> None:
    lines: dict[int, list[dict[str, Any]]] = {}
    for panel in dashboard["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel)
    for line in lines.values():
        assert sum(panel["gridPos"]["w"] for panel in line) == 24, [panel["title"] for panel in line]
        assert len({panel["gridPos"]["h"] for panel in line}) == 1, [panel["title"] for panel in line]


@each_dashboard
def test_every_panel_says_what_it_shows(dashboard: dict[str, Any]) -> None:
    known = {str(source.uid) for source in (PROMETHEUS, POSTGRES, REDIS)}
    titles = [panel["title"] for panel in panels(dashboard)]
    assert len({*titles}) == len(titles)
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert panel["datasource"]["uid"] in known
        letters = [query["refId"] for query in panel["targets"]]
        assert letters == sorted({*letters}), panel["title"]
        assert letters, panel["title"]
        assert all(query["datasource"] == panel["datasource"] for query in panel["targets"])


@each_dashboard
def test_variables_that_are_used_exist_and_those_that_exist_are_used(dashboard: dict[str, Any]) -> None:
    text = " ".join(str(panel["targets"]) + panel["title"] for panel in panels(dashboard))
    used = {name for name in re.findall(r"\$\{?([a-z]\w*)", text) if not name.startswith("__")}
    assert used == {variable["name"] for variable in dashboard["templating"]["list"]}


@each_dashboard
def test_colours_can_be_told_apart_by_everybody(dashboard: dict[str, Any]) -> None:
    ours = {value for name, value in vars(palette).items() if name.isupper() and isinstance(value, str)}
    assert {*re.findall(r"#[0-9A-Fa-f]{6}", str(dashboard["panels"]))} <= ours
    for panel in panels(dashboard):
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
            assert step["color"] in ours


@each_installation
def test_the_data_sources_are_those_that_panels_name(folder: str) -> None:
    sources = provisioned(folder, "datasources")["datasources"]
    named = {(str(source.uid), str(source.type_val)) for source in (PROMETHEUS, POSTGRES, REDIS)}
    assert {(source["uid"], source["type"]) for source in sources} == named
    assert [source["uid"] for source in sources if source.get("isDefault")] == ["prometheus"]


@each_installation
def test_secrets_and_addresses_come_from_the_environment_alone(folder: str) -> None:
    sources = provisioned(folder, "datasources")["datasources"]
    assert {*re.findall(r"\$([A-Z][A-Z_]+)", str(sources))} == {*VARIABLES}
    for source in sources:
        assert re.fullmatch(r"\$[A-Z_]+", source["url"])
        assert source["editable"] is False
        for name, value in source.get("secureJsonData", {}).items():
            assert re.fullmatch(r"\$[A-Z_]+|\$__file\{/run/tls/ca\.crt\}", value), f"{source['name']}: {name}"
        assert "password" not in source["jsonData"]


def test_an_installation_with_tls_asks_redis_and_postgres_over_it() -> None:
    plain, tls = (
        {source["uid"]: source for source in provisioned(folder, "datasources")["datasources"]}
        for folder in ("provisioning", "provisioning-tls")
    )
    assert plain["postgres"]["jsonData"]["sslmode"] == "$GRAFANA_POSTGRES_SSLMODE"
    assert tls["postgres"] == plain["postgres"], "that is a variable"
    assert "tlsAuth" not in plain["redis"]["jsonData"]
    assert (tls["redis"]["jsonData"]["tlsAuth"], tls["redis"]["jsonData"]["tlsSkipVerify"]) == (True, False)
    assert tls["redis"]["secureJsonData"]["tlsCACert"] == f"$__file{{{CA_FILE}}}"


@each_installation
def test_the_dashboards_are_found_where_the_container_has_them(folder: str) -> None:
    [provider] = provisioned(folder, "dashboards")["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    assert provider["allowUiUpdates"] is False
