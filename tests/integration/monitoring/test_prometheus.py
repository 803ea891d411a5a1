"""A real Prometheus with our configuration over a pipeline at work: everything is scraped, every rule is evaluated, and
nobody is woken."""

from tests.prometheus import Prometheus


def test_all_targets_are_up_and_have_the_labels_that_rules_and_dashboards_ask_for(
    prometheus: Prometheus,
) -> None:
    targets = {
        (target["labels"]["job"], target["labels"].get("service")): target for target in prometheus.targets()
    }

    assert {target["health"] for target in targets.values()} == {"up"}, targets
    assert set(targets) == {
        ("gateway", "gateway"),
        *(("collectors", f"{source}-collector") for source in ("facebook", "tiktok", "social", "custom")),
        ("reporter", "reporter"),
        ("alerts", "alerts"),
        ("prometheus", None),
    }
