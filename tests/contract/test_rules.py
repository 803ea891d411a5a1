"""The rules of the layout that import-linter cannot say."""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collectors.registry import SOURCES
from console.settings import ConsoleSettings
from ops.local import dotenv
from pipeline.chassis.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline", "gateway", "collectors", "reporter", "publisher", "console", "alerts", "ops", "bench")
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "base", "misc", "manager"}
LAUNCHERS = (ROOT / "ops" / "local", ROOT / "bench", ROOT / "ops" / "container")
"""They start processes, which is a matter of environment variables."""

EXAMPLE = ROOT / ".env.example"


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def settings_structs() -> list[type[msgspec.Struct]]:
    """Every Struct that is filled from the environment: those that `__main__` modules load, by name or from the
    registry, and the console's, whose commands load theirs when they need them."""
    found: dict[str, type[msgspec.Struct]] = {
        f"{webhook.credentials.__module__}.{webhook.credentials.__name__}": webhook.credentials
        for source in SOURCES.values()
        for webhook in source.webhooks
    }
    found["ConsoleSettings"] = ConsoleSettings
    for path in (path for path in modules() if path.name == "__main__.py"):
        tree = ast.parse(path.read_text())
        wanted = {
            node.args[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "load_settings"
            and isinstance(node.args[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in {alias.name for alias in node.names} & wanted:
                    found[name] = getattr(importlib.import_module(node.module), name)
    return [found[name] for name in sorted(found)]


def fields() -> list[tuple[type[msgspec.Struct], Any]]:
    return [(struct, field) for struct in settings_structs() for field in msgspec.structs.fields(struct)]


def test_only_main_modules_read_the_environment() -> None:
    def reads(path: Path) -> bool:
        return any(
            (
                (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"})
                and isinstance(node.value, ast.Name)
                and node.value.id == "os"
            )
            or (
                (isinstance(node, ast.ImportFrom) and node.module == "os")
                and any(alias.name in {"environ", "getenv"} for alias in node.names)
            )
            for node in ast.walk(ast.parse(path.read_text()))
        )

    allowed = [path for path in modules() if path.name == "__main__.py" or path.is_relative_to(LAUNCHERS[0])]
    allowed += [path for path in modules() if any(map(path.is_relative_to, LAUNCHERS[1:]))]
    assert [str(path.relative_to(ROOT)) for path in modules() if path not in allowed and reads(path)] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path.relative_to(ROOT)) for path in modules() if path.stem in VAGUE_NAMES] == []
    assert [str(path.parent) for path in modules() if path.parent.name in VAGUE_NAMES] == []


def test_the_prisma_folder_does_not_shadow_the_package() -> None:
    assert not (ROOT / "prisma" / "__init__.py").exists()


@pytest.mark.parametrize(("struct", "field"), fields(), ids=lambda value: getattr(value, "name", ""))
def test_every_variable_is_in_the_example(struct: type[msgspec.Struct], field: Any) -> None:
    assert field.name.upper() in dotenv.names(EXAMPLE), f"{struct.__name__} reads it"


@pytest.mark.parametrize(("struct", "field"), fields(), ids=lambda value: getattr(value, "name", ""))
def test_the_example_shows_the_default_that_is_in_force(struct: type[msgspec.Struct], field: Any) -> None:
    shown = re.search(rf"^# {field.name.upper()}=(.+)$", EXAMPLE.read_text(), re.MULTILINE)
    if field.required or shown is None:
        return
    required = {f.name.upper(): "1" for f in msgspec.structs.fields(struct) if f.required}
    loaded = load_settings(struct, required | {field.name.upper(): shown[1]})
    assert getattr(loaded, field.name) == field.default


def test_every_source_is_under_the_purity_rule() -> None:
    sources = {
        f"collectors.{path.parent.name}"
        for path in (ROOT / "collectors").glob("[a-z]*/__init__.py")
        if not path.parent.name.startswith("_")
    }
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pure = next(contract for contract in contracts if contract["id"] == "pure-sources")
    separate = next(contract for contract in contracts if contract["id"] == "separate-sources")
    assert sources <= set(pure["source_modules"])
    assert sources == set(separate["modules"])


def test_a_webhook_without_any_secret_still_has_credentials() -> None:
    for source in SOURCES.values():
        for webhook in source.webhooks:
            credentials = load_settings(webhook.credentials, {})
            assert not webhook.knows(credentials, webhook.name), "it would take what nobody has signed"
