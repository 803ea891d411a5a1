"""The configuration of Prometheus: it is valid, every alert is tested both ways, and all that it names is there."""

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ops.local.binaries import ROOT
from ops.local.services import SERVICES
from tests import prometheus_rules
from tests.prometheus import needs_program
from tests.prometheus_rules import CONFIGURATIONS, RULE_FILES, TEST_FILES, alerting, asked_by, recorded

RUNBOOKS = ROOT / "docs" / "operations" / "runbooks.md"
PACKAGES = ("pipeline", "gateway", "collectors", "reporter", "alerts")
FROM_ELSEWHERE = {
    "up",  # Prometheus itself, of every target
    "redis_up",  # redis_exporter
    "gnatsd_varz_slow_consumers",  # prometheus-nats-exporter, and our own probe under the same name
    "jetstream_stream_last_seq",
}
"""Metrics whose name stands nowhere in our code."""
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")
LINK = "{{ with $externalLabels.docs_url }}{{ . }}{{ else }}docs{{ end }}/operations/runbooks.md#"


def promtool(*arguments: str | Path) -> None:
    command = [needs_program("promtool"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda path: path.name)
def test_configurations_are_valid_and_so_are_their_rules(configuration: Path) -> None:
    promtool("check", "config", configuration)


def test_rules_are_valid_and_none_is_there_twice() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)


@pytest.mark.timeout(300)  # seconds at rest; days of samples on a machine that is busy
@pytest.mark.parametrize("file", TEST_FILES, ids=lambda path: path.stem)
def test_rules_do_what_their_tests_say(file: Path) -> None:
    promtool("test", "rules", file)


def test_each_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    fires: set[str] = set()
    quiet: set[str] = set()
    for test in prometheus_rules.tests():
        checks = test.get("alert_rule_test", ())
        firing = {check["alertname"] for check in checks if check.get("exp_alerts")}
        fires |= firing
        # Before its time is up every alert keeps quiet: that does not count.
        quiet |= {check["alertname"] for check in checks} - firing

    assert fires == set(alerting())
    assert quiet == set(alerting())


def test_each_recorded_metric_is_tested_with_a_number() -> None:
    tested = {
        metric
        for test in prometheus_rules.tests()
        for check in test.get("promql_expr_test", ())
        if check["exp_samples"]
        for metric in asked_by(check["expr"]).metrics
    }

    assert set(recorded()) <= tested


def test_what_is_recorded_says_so_in_its_name() -> None:
    named = re.compile(r"[a-z_]+:[a-z0-9_]+:(max|ratio|(ratio_|p50_|p99_)?(rate|increase|count)\d+[mh])")

    assert [name for name in recorded() if not named.fullmatch(name)] == []


def test_every_metric_that_rules_ask_for_exists() -> None:
    known = {
        node.value
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    asked = {metric for rule in prometheus_rules.rules() for metric in asked_by(rule["expr"]).metrics}
    assert len(asked) > 30, "expressions are not understood any more"
    unknown = asked - set(recorded()) - FROM_ELSEWHERE
    assert {name for name in unknown if not {name, SUFFIX.sub("", name)} & known} == set()


def test_every_alert_says_what_it_means_and_leads_to_its_runbook() -> None:
    headings = re.findall(r"^### (\w+)$", RUNBOOKS.read_text(), re.MULTILINE)

    assert sorted(headings) == sorted(alerting())
    for name, rule in alerting().items():
        assert rule["labels"].keys() == {"severity"}, name
        assert rule["labels"]["severity"] in ("warning", "critical"), name
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}, name
        assert rule["annotations"]["runbook_url"] == f"{LINK}{name.lower()}"


def test_a_local_start_is_scraped_where_it_listens() -> None:
    scraped = {
        (group["labels"]["service"], group["labels"].get("source", ""), *group["targets"])
        for job in prometheus_rules.jobs(CONFIGURATIONS[1]).values()
        for group in job["static_configs"]
        if "labels" in group
    }

    assert scraped == {
        (service.name, service.source, f"127.0.0.1:{service.default_port}") for service in SERVICES
    }


def test_containers_are_scraped_where_they_listen() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = {name: dict(service.get("environment") or {}).get("PORT") for name, service in compose.items()}
    by_name: dict[str, str] = {}
    others: set[str] = set()
    for job in prometheus_rules.jobs(CONFIGURATIONS[0]).values():
        for names in job.get("dns_sd_configs", ()):
            by_name |= dict.fromkeys(names["names"], str(names["port"]))
        others |= {target for group in job.get("static_configs", ()) for target in group["targets"]}

    assert len(by_name) == len(SERVICES)
    assert by_name == {name: ports[name] for name in by_name}
    exposed = {f"{name}:{port}" for name, service in compose.items() for port in service.get("expose", ())}
    assert others - {"localhost:9090"} <= exposed


def test_both_configurations_have_the_same_jobs_for_what_is_ours() -> None:
    containers, local = (set(prometheus_rules.jobs(file)) for file in CONFIGURATIONS)

    assert local == {"gateway", "collectors", "reporter", "alerts", "prometheus"}
    assert containers == local | {"nats", "postgres", "redis"}


def test_expressions_are_understood() -> None:
    asked = asked_by(
        'sum by (source, le) (rate(a_total{job="x", route!~"b|c"}[5m] offset 1d)) / (max(c:d:rate1m) > bool 5e-2)'
        " unless on (e) f"
    )

    assert asked.metrics == {"a_total", "c:d:rate1m", "f"}
    assert asked.selectors == {("a_total", frozenset({"job", "route"}))}


def test_without_promtool_the_checks_are_skipped_but_not_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("ops.local.binaries.PROMETHEUS", tmp_path)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="there is no promtool"):
        needs_program("promtool")

    monkeypatch.setitem(os.environ, "CI", "true")
    with pytest.raises(pytest.fail.Exception, match="there is no promtool"):
        needs_program("promtool")
