"""What the command groups share: the environment, and settings that are read when a command needs them."""

from collections.abc import Mapping
from typing import TypeVar

import click
import msgspec

from console.settings import ConsoleSettings
from pipeline.chassis.settings import load_settings
from pipeline.errors import ConfigurationError

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


class WrongSetting(click.ClickException):
    """A setting is missing or wrong. Exit status 2, as of a service: 1 is what a command found to be wrong."""

    exit_code = 2

    def format_message(self) -> str:
        return f"configuration error: {self.message}"


class Context:
    """The object of every command (`@click.pass_obj`). `environ` is passed down from `__main__`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def load(self, kind: type[SettingsT]) -> SettingsT:
        """The settings of one concern. Raises WrongSetting, which ends the command with the variable's name."""
        try:
            return load_settings(kind, self.environ)
        except ConfigurationError as error:
            raise WrongSetting(str(error)) from None

    @property
    def console(self) -> ConsoleSettings:
        """Where everything is. Raises WrongSetting."""
        settings = self.load(ConsoleSettings)
        try:
            settings.collectors()
        except ConfigurationError as error:
            raise WrongSetting(str(error)) from None
        return settings
