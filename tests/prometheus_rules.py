"""What ops/prometheus says, read for tests: the rules, and which metrics and labels their expressions ask for."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ops.local.binaries import ROOT

FOLDER = ROOT / "ops" / "prometheus"
CONFIGURATIONS = (FOLDER / "prometheus.yml", FOLDER / "local.yml")
RULE_FILES = tuple(sorted((FOLDER / "rules").glob("*.yml")))
TEST_FILES = tuple(sorted((FOLDER / "tests").glob("*.yml")))

_STRING = re.compile(r"'[^']*'|\"[^\"]*\"")
_MATCHERS = re.compile(r"([a-z_:][\w:]*)?\{([^}]*)\}", re.IGNORECASE)
_LABELS = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]|\boffset\s+\w+")
_NAME = re.compile(r"(?<![\w.])[a-z_:][\w:]*(?!\w*\s*\()", re.IGNORECASE)
_WORDS = {"and", "or", "unless", "bool", "group_left", "group_right", "by", "on", "without", "ignoring"}


class Asked(NamedTuple):
    """Of one expression: metrics, and for each selector with matchers its metric and the labels in them."""

    metrics: frozenset[str]
    selectors: frozenset[tuple[str, frozenset[str]]]


def asked_by(expression: str) -> Asked:
    """The metrics that an expression reads. Names in strings are values, and a name before `(` is a function."""
    text = _STRING.sub('""', expression)
    selectors = frozenset(
        (name, frozenset(re.findall(r"(\w+)\s*[=!]", matchers))) for name, matchers in _MATCHERS.findall(text)
    )
    bare = _RANGE.sub(" ", _LABELS.sub(" ", _MATCHERS.sub(r"\1", text)))
    return Asked(frozenset(set(_NAME.findall(bare)) - _WORDS), selectors)


def rules() -> Sequence[Mapping[str, Any]]:
    """All of them, as they stand in the files."""
    return [rule for file in RULE_FILES for group in _read(file)["groups"] for rule in group["rules"]]


def alerting() -> Mapping[str, Mapping[str, Any]]:
    """The alerting rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> Mapping[str, str]:
    """The expressions of recording rules by what they record."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def tests() -> Iterator[Mapping[str, Any]]:
    """Every test of every file."""
    for file in TEST_FILES:
        yield from _read(file)["tests"]


def jobs(configuration: Path) -> Mapping[str, Mapping[str, Any]]:
    """Scrape configurations by the names of their jobs."""
    return {job["job_name"]: job for job in _read(configuration)["scrape_configs"]}


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())
