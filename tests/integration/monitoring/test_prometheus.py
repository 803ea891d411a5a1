"""A real Prometheus with our configuration over a pipeline at work: everything is scraped, every rule is evaluated and
finds what it asks for, and nobody is woken until something breaks."""

from pathlib import Path

import pytest

from ops.local import servers
from ops.local.services import SERVICES
from tests import prometheus_rules
from tests.processes import Services, connections
from tests.prometheus import Prometheus, needs_program, running
from tests.prometheus_rules import asked_by

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ONLY_IN_TROUBLE = {
    "alert_deliveries_total",
    "http_connections_refused_total",
    "notification_connections_refused_total",
    "redis_up",
}
"""Nothing of the kind has happened here, and Redis has no exporter in a local start."""

AFTER_MINUTES = {"source:events_accepted_busy:count6h"}
"""It looks at the full five minutes of the clock, of which there may have been none yet. promtool tests its numbers."""


def test_all_targets_are_up_and_have_the_labels_that_rules_and_dashboards_ask_for(
    prometheus: Prometheus,
) -> None:
    targets = [(target["labels"], target["health"]) for target in prometheus.targets()]

    assert {health for _, health in targets} == {"up"}, targets
    seen = {(labels["job"], labels.get("service"), labels.get("source")) for labels, _ in targets}
    jobs = {"gateway": "gateway", "reporter": "reporter", "alerts": "alerts"}
    ours = {(jobs.get(each.name, "collectors"), each.name, each.source or None) for each in SERVICES}
    assert seen == ours | {("prometheus", None, None)}


def test_labels_of_metrics_and_labels_of_targets_do_not_clash(prometheus: Prometheus) -> None:
    assert prometheus.query('{__name__=~".+", exported_service=~".+"}') == []
    assert prometheus.query('{__name__=~".+", exported_source=~".+"}') == []
    services = {labels["service"] for labels, _ in prometheus.query("service_uptime_seconds")}
    assert services == {service.name for service in SERVICES}
    assert {labels["service"] for labels, _ in prometheus.query("consumer_lag_seconds")} == {
        service.name for service in SERVICES if service.source
    }


def test_every_rule_is_evaluated_and_every_recorded_metric_has_data(prometheus: Prometheus) -> None:
    loaded = prometheus.rules()

    assert len(loaded) == len(prometheus_rules.rules())
    assert {rule["name"]: rule.get("lastError") for rule in loaded if rule["health"] != "ok"} == {}

    def nothing_found(prometheus: Prometheus) -> str | None:
        missing = {name for name in prometheus_rules.recorded() if not prometheus.query(name)} - AFTER_MINUTES
        return ", ".join(sorted(missing)) or None

    prometheus.wait_until("data of every recorded metric", nothing_found, timeout_seconds=60)


def test_what_rules_ask_for_is_there_with_the_labels_that_they_ask_for(prometheus: Prometheus) -> None:
    asked = [asked_by(rule["expr"]) for rule in prometheus_rules.rules()]
    labels = {
        metric: {label for labels, _ in prometheus.query(metric) for label in labels}
        for each in asked
        for metric in each.metrics
    }

    assert {metric for metric, found in labels.items() if not found} <= ONLY_IN_TROUBLE | AFTER_MINUTES
    for metric, wanted in {selector for each in asked for selector in each.selectors}:
        if labels[metric]:
            assert wanted <= labels[metric], f"{metric} has {labels[metric]}"


def test_nobody_is_woken_by_a_pipeline_at_work(prometheus: Prometheus) -> None:
    # What is pending for a moment is what `for` is there for.
    prometheus.wait_until("a moment without any alert", quiet)
    assert prometheus.query('count_over_time(ALERTS{alertstate="firing"}[1h])') == []


@pytest.mark.exhaustive
def test_a_service_that_goes_and_a_server_that_goes_are_noticed(
    tmp_path: Path, database_url: str, prometheus_is_there: None
) -> None:
    """By the rules' expressions, over what real services tell while something real breaks."""
    with (
        servers.running(servers.nats(tmp_path)) as nats,
        Services(tmp_path, connections(nats, database_url=database_url)) as services,
    ):
        gateway, reporter = services.gateway(), services.reporter(CANARY_INTERVAL_SECONDS="0")
        with running(tmp_path, {"gateway": [gateway], "reporter": [reporter]}) as prometheus:
            prometheus.wait_until("rules without an alert", quiet)
            reporter.kill()
            nats.kill()

            def problem(each: Prometheus) -> str | None:
                missing = {"ServiceDown", "NatsDown", "ServiceNotReady", "CheckFailing"} - names(each)
                return f"{missing} are not even pending" if missing else None

            prometheus.wait_until("the alerts", problem)


@pytest.fixture
def prometheus_is_there() -> None:
    needs_program()


def names(prometheus: Prometheus) -> set[str]:
    return {alert["labels"]["alertname"] for alert in prometheus.alerts()}


def quiet(prometheus: Prometheus) -> str | None:
    unwell = [rule["name"] for rule in prometheus.rules() if rule["health"] != "ok"]
    return f"{unwell} are not evaluated, {names(prometheus)} pending" if unwell or names(prometheus) else None
