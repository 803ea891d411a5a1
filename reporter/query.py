"""Reads a query string, parameter by parameter. All that is wrong with it becomes one 400 that says what is valid."""

from collections.abc import Iterable
from datetime import date, datetime

import msgspec

from pipeline.chassis.instants import parse_instant
from pipeline.chassis.problems import Problem
from reporter.ranges import TimeRange


class QueryProblem(msgspec.Struct, frozen=True):
    """One violation of a query string. `valid` lists what may stand there, where that is a closed set."""

    parameter: str
    detail: str
    valid: tuple[str, ...] = ()


class Query:
    """A query string, given as (name, value) pairs. An empty value counts as absent, as forms send it.

    What is wrong is kept until `check`; until then a wrong value reads as an absent one.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], allowed: tuple[str, ...]) -> None:
        """`allowed` are the parameters of the report at hand."""
        self._violations: list[QueryProblem] = []
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if name not in allowed:
                self.refuse(name, f"unknown parameter {name!r}; valid are: {', '.join(allowed)}", allowed)
            elif name in self._values:
                self.refuse(name, f"{name} is given more than once")
            elif value:
                self._values[name] = value

    def refuse(self, parameter: str, detail: str, valid: tuple[str, ...] = ()) -> None:
        """Takes note of a violation."""
        self._violations.append(QueryProblem(parameter, detail, valid))

    def check(self) -> None:
        """Raises Problem (400) with all violations at once."""
        if self._violations:
            raise Problem(400, "invalid-filter", self._violations[0].detail, errors=self._violations)

    def text(self, name: str, max_length: int, described: str) -> str | None:
        """Whatever Postgres can look for, up to a length; `described` says what it is, for the answer."""
        value = self._values.get(name)
        if value is None or (len(value) <= max_length and "\0" not in value):
            return value
        self.refuse(name, f"{described} has at most {max_length} characters and no null character")
        return None

    def one_of(
        self, name: str, valid: tuple[str, ...], open_prefixes: tuple[str, ...] = (), max_length: int = 0
    ) -> str | None:
        """A value of the closed set, or one of up to `max_length` that begins like those that nobody can list."""
        value = self._values.get(name)
        if value is None or value in valid:
            return value
        if value.startswith(open_prefixes) and len(value) <= max_length and "\0" not in value:
            return value
        valid += tuple(f"{prefix}*" for prefix in open_prefixes)
        self.refuse(name, f"{name} {value!r} is unknown here; valid are: {', '.join(valid)}", valid)
        return None

    def number(self, name: str, least: int, most: int, default: int) -> int:
        """A whole number within bounds."""
        value = self._values.get(name)
        if value is None:
            return default
        # Digits of ASCII only, and few: Python reads many more.
        if (
            value.isascii()
            and value.isdecimal()
            and len(value) <= len(str(most))
            and least <= int(value) <= most
        ):
            return int(value)
        self.refuse(name, f"{name}: expected a whole number from {least} to {most}, got {value[:40]!r}")
        return default

    def day(self, name: str) -> date | None:
        """A date without a time."""
        value = self._values.get(name)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            self.refuse(
                name, f"{name}: expected an ISO 8601 date such as 2026-05-14, got {(value or '')[:40]!r}"
            )
            return None

    def time_range(self) -> TimeRange:
        """The range from `from` to `to`."""
        ends: dict[str, datetime] = {}
        for name in ("from", "to"):
            if text := self._values.get(name):
                try:
                    ends[name] = parse_instant(text, whole_day=name == "to")
                except ValueError as error:
                    self.refuse(name, f"{name}: {error}")
        found = TimeRange(ends.get("from"), ends.get("to"))
        if found.starts and found.ends and found.starts >= found.ends:
            detail = (
                f"from ({found.starts.isoformat()}) must lie before to ({found.ends.isoformat()}, exclusive)"
            )
            self.refuse("from", detail)
        return found
