"""Which settings the programs read: found in their `__main__` modules, without running or importing one of those."""

import ast
import importlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from collectors.registry import SOURCES

PROGRAMS = ("gateway", "collectors", "reporter")


def settings_structs(root: Path, programs: Iterable[str] = PROGRAMS) -> list[type[msgspec.Struct]]:
    """Every Struct that `load_settings` is called with, and the credentials of the registered webhooks.

    Only the modules that define them are imported: settings are data.
    """
    found: dict[str, type[msgspec.Struct]] = {}
    for program in programs:
        tree = ast.parse((root / program / "__main__.py").read_text())
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
    credentials = [webhook.credentials for source in SOURCES.values() for webhook in source.webhooks]
    return [*found.values(), *credentials]
