"""The rules file: what is wrong with it is named, and a wrong one never takes the place of a right one."""

import asyncio
import os
import signal
import tomllib
from pathlib import Path

import pytest

from alerts.rule_file import RuleFile
from alerts.rules import RuleProblem, parse_rules
from alerts.settings import AlertSettings, DeliverySettings
from alerts.telemetry import SERVICE, AlertTelemetry
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]

BURST = """
[[rule]]
name = "burst"
kind = "growth"
window_minutes = 10
baseline_minutes = 60
growth_factor = 3.0
min_suspicious = 50
threshold = 0.5
address_threshold = 0.6
clear_threshold = 0.25
cool_down_minutes = 60
"""
ONE_MILESTONE = '[[rule]]\nname = "likes"\nkind = "milestone"\nsteps = [10]\n'


def rule_file(path: Path) -> RuleFile:
    return RuleFile(AlertSettings(alert_rules_file=str(path)), AlertTelemetry(ServiceMetrics(SERVICE)))


def test_the_rules_that_come_along_are_valid() -> None:
    rules = RuleFile(AlertSettings(), AlertTelemetry(ServiceMetrics(SERVICE))).rules

    assert {rule.key for rule in rules.posts} == {"fraud"}, "one alert for an attack, whichever rule sees it"
    assert [rule.raises for rule in rules.sources] == ["ABSENCE", "ERROR_RATE"]
    assert rules.milestones[0].steps[:3] == (100, 1_000, 10_000)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            ("window_minutes = 10", 'window_minutes = "ten"'),
            "rule 'burst': window_minutes: Expected `int`, got `str`",
        ),
        (("window_minutes = 10", "window_minutes = 0"), "rule 'burst': window_minutes: Expected `int` >= 1"),
        (("window_minutes = 10\n", ""), "rule 'burst': .*missing required field `window_minutes`"),
        (("threshold = 0.5", "treshold = 0.5"), "rule 'burst': .*unknown field `treshold`"),
        (
            ("clear_threshold = 0.25", "clear_threshold = 0.5"),
            "rule 'burst': clear_threshold: must lie between",
        ),
        (('kind = "growth"', 'kind = "grwth"'), "rule 'burst': kind: Invalid value 'grwth'"),
        (('name = "burst"', 'name = "Burst!"'), "rule 'Burst!': name: Expected `str` matching"),
        (('name = "burst"\n', ""), "rule number 1: .*missing required field `name`"),
    ],
)
def test_a_wrong_rule_is_named_with_its_field(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(RuleProblem, match=complaint):
        parse_rules(tomllib.loads(BURST.replace(*change))["rule"])


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(RuleProblem, match="rule 'burst': name: there are two"):
        parse_rules(tomllib.loads(BURST + BURST)["rule"])


def test_rules_that_share_a_key_must_raise_the_same() -> None:
    silent = """
[[rule]]
name = "silent"
kind = "absence"
suppression_key = "burst"
window_minutes = 10
baseline_minutes = 60
active_share = 0.5
threshold = 5
clear_threshold = 1
cool_down_minutes = 0
"""
    with pytest.raises(
        RuleProblem, match="rule 'silent': suppression_key: 'burst' is of rules of another kind"
    ):
        parse_rules(tomllib.loads(BURST + silent)["rule"])


def test_steps_of_a_milestone_rise() -> None:
    with pytest.raises(RuleProblem, match="rule 'likes': steps: must rise"):
        parse_rules([{"name": "likes", "kind": "milestone", "steps": [100, 10]}])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file"),
        ("[[rule]\n", "rules.toml: Expected"),
        ("[rule]\nname = 1\n", "expected nothing but"),
        ("[[rules]]\n", "expected nothing but"),
        (
            BURST.replace("baseline_minutes = 60", "baseline_minutes = 600"),
            "look back 610 minutes, and ALERT_FACTS_HOURS",
        ),
    ],
)
def test_a_file_that_cannot_be_used_stops_the_start(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigurationError, match=f"ALERT_RULES_FILE: .*{complaint}"):
        rule_file(path)


async def test_a_file_that_changes_is_read_again_and_a_wrong_one_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(ONE_MILESTONE)
    file = rule_file(path)

    path.write_text(ONE_MILESTONE + BURST)
    file.reload_if_changed()
    assert file.rules.names == ["burst", "likes"]

    path.write_text(BURST.replace("threshold", "treshold"))
    file.reload_if_changed()
    assert file.rules.names == ["burst", "likes"], "those before it stay in force"

    path.write_text(BURST)
    file.reload_if_changed()
    assert file.rules.names == ["burst"]


async def test_sighup_reads_the_file_again(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(ONE_MILESTONE)
    file, stop = rule_file(path), asyncio.Event()
    watching = asyncio.create_task(file.watch(stop))
    await asyncio.sleep(0)
    stamp = path.stat()
    path.write_text(ONE_MILESTONE.replace("10", "20"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # it looks as if nothing had changed

    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(5):
        while file.rules.milestones[0].steps != (20,):
            await asyncio.sleep(0.01)

    stop.set()
    await watching
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({"ALERT_WEBHOOK_URL": "https://example.org"}, "ALERT_WEBHOOK_SECRET"),
        ({"ALERT_WEBHOOK_URL": "ftp://example.org", "ALERT_WEBHOOK_SECRET": "whsec_x"}, "ALERT_WEBHOOK_URL"),
        ({"ALERT_SMTP_URL": "smtp://example.org"}, "ALERT_EMAIL_TO"),
    ],
)
def test_settings_of_a_channel_belong_together(environ: dict[str, str], variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable}: "):
        load_settings(DeliverySettings, environ)
