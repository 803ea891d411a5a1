"""The rules in force: read at the start, and again when their file changes or SIGHUP comes.

A wrong file stops the start. Later it changes nothing: the rules before it stay in force, and the log says why.
"""

import asyncio
import signal
import tomllib
from pathlib import Path

from alerts.rules import RuleProblem, RuleSet, parse_rules
from alerts.settings import AlertSettings
from alerts.telemetry import AlertTelemetry
from pipeline.chassis.concurrency import first_of
from pipeline.errors import ConfigurationError

_DEFAULT = Path(__file__).with_name("rules.toml")
_LOOK_SECONDS = 2.0


class RuleFile:
    """`rules` are those in force."""

    def __init__(self, settings: AlertSettings, telemetry: AlertTelemetry) -> None:
        """Raises ConfigurationError naming the file, the rule and the field that is wrong."""
        self._path = Path(settings.alert_rules_file) if settings.alert_rules_file else _DEFAULT
        self._facts_minutes = settings.alert_facts_hours * 60
        self._telemetry = telemetry
        self._stamp = self._look()
        try:
            self.rules = self._read()
        except RuleProblem as error:
            raise ConfigurationError(f"ALERT_RULES_FILE: {error}") from None
        telemetry.rules_read(self.rules.names)

    def reload(self) -> bool:
        """Reads the file again. Returns whether its rules are in force now."""
        self._stamp = self._look()
        try:
            self.rules = self._read()
        except RuleProblem as error:
            self._telemetry.rules_refused(error)
            return False
        self._telemetry.rules_read(self.rules.names)
        return True

    def reload_if_changed(self) -> None:
        """As `reload`, when the file is another one than the last time."""
        if self._look() != self._stamp:
            self.reload()

    async def watch(self, stop: asyncio.Event) -> None:
        """A supervised loop."""
        asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
        while not stop.is_set():
            await first_of(stop.wait(), asked.wait(), timeout_seconds=_LOOK_SECONDS)
            if asked.is_set():
                asked.clear()
                self.reload()
            else:
                self.reload_if_changed()

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> RuleSet:
        try:
            document = tomllib.loads(self._path.read_text())
        except (OSError, ValueError) as error:
            raise RuleProblem(f"{self._path}: {error}") from None
        tables = document.pop("rule", [])
        if document or not isinstance(tables, list):
            raise RuleProblem(f"{self._path}: expected nothing but [[rule]] tables")
        try:
            rules = parse_rules(tables)  # pyright: ignore[reportUnknownArgumentType]
        except RuleProblem as error:
            raise RuleProblem(f"{self._path}: {error}") from None
        if rules.longest_minutes > self._facts_minutes:
            raise RuleProblem(
                f"{self._path}: the rules look back {rules.longest_minutes} minutes, "
                f"and ALERT_FACTS_HOURS keeps {self._facts_minutes}"
            )
        return rules
