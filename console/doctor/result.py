"""What a check found."""

from typing import Literal

import msgspec

Status = Literal["ok", "warning", "failed"]
"""`failed`: something does not work, or will lose what was promised. `warning`: look at it when you can."""


class Result(msgspec.Struct, frozen=True):
    """What one check found, and what to do about it (empty when nothing is to be done)."""

    name: str
    status: Status
    found: str
    advice: str = ""


def ok(name: str, found: str) -> list[Result]:
    """All is well."""
    return [Result(name, "ok", found)]


def warning(name: str, found: str, advice: str) -> list[Result]:
    """Not as it should be."""
    return [Result(name, "warning", found, advice)]


def failed(name: str, found: str, advice: str) -> list[Result]:
    """Does not work, or does not keep its promise."""
    return [Result(name, "failed", found, advice)]
