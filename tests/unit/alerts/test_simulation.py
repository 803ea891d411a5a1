"""Simulated days: the same for the same seed, and judged by the rules that are in force."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import alerts
from alerts.rules import RuleSet, parse_rules
from alerts.series import ADDRESSES, FLIPS, LIKES, NEWBORN, YOUNG
from alerts.simulation.__main__ import main
from alerts.simulation.attacks import HARD_SHAPES, attacks_on
from alerts.simulation.figures import figures_of, simulate
from alerts.simulation.markdown import put_between_marks
from alerts.simulation.traffic import normal_day

RULES = Path(alerts.__file__).with_name("rules.toml")


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return parse_rules(tomllib.loads(RULES.read_text())["rule"])


def test_a_seed_makes_the_same_day_again() -> None:
    first, second = (normal_day(np.random.default_rng(7)) for _ in range(2))

    assert np.array_equal(first.posts, second.posts)
    assert not np.array_equal(first.posts, normal_day(np.random.default_rng(8)).posts)


def test_figures_of_a_day_are_possible() -> None:
    rng = np.random.default_rng(7)
    day = normal_day(rng)
    for figures in (*day.posts, *(attack.figures for attack in attacks_on(rng, day))):
        assert (figures >= 0).all()
        assert (figures[:, NEWBORN] <= figures[:, YOUNG]).all()
        assert (figures[:, YOUNG] <= figures[:, LIKES]).all()
        assert (figures[:, ADDRESSES].sum(axis=1) <= figures[:, LIKES]).all()
    assert day.posts[day.viral][:, LIKES].max() > 5 * np.median(day.posts[:, :, LIKES].sum(axis=1)) / 60
    assert all(attack.figures[:, [LIKES, FLIPS]].sum() > 0 for attack in attacks_on(rng, day))


def test_the_rules_find_what_they_are_made_for_and_leave_people_alone(rules: RuleSet) -> None:
    figures = figures_of([simulate(seed, rules) for seed in range(3)])

    assert figures.false_alarms_on_normal_days == 0
    assert figures.precision == 1.0
    assert {shape.shape for shape in figures.shapes if shape.found == shape.attacks} >= {
        shape.shape for shape in figures.shapes
    } - HARD_SHAPES
    assert all(shape.alerts == shape.found for shape in figures.shapes), "one alert for each"


def test_the_command_writes_its_table_where_the_marks_are(tmp_path: Path) -> None:
    document = tmp_path / "alerts.md"
    document.write_text("before\n<!-- simulated figures -->\nold\n<!-- end of simulated figures -->\nafter\n")

    result = CliRunner().invoke(main, ["--seeds", "1", "--workers", "1", "--write", str(document)])

    assert result.exit_code == 0, result.output
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| burst from new accounts | 1 | 100% |" in text


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="simulated figures"):
        put_between_marks("nothing", "table")
