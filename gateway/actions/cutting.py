"""Cuts a body into actions: one object, or an array of them."""

from collections.abc import Iterator

import msgspec

from pipeline.chassis.problems import Problem
from pipeline.events.splitting import split_array

_BLANK = b" \t\r\n"
_PORTION = 50


def cut_actions(body: bytes, most: int) -> list[msgspec.Raw]:
    """Raises MalformedArray, and Problem 413 when there are more than `most`."""
    if body.lstrip(_BLANK).startswith(b"{"):
        return [msgspec.Raw(body.strip(_BLANK))]
    actions: list[msgspec.Raw] = []
    for part in split_array(body):
        actions += part
        if len(actions) > most:
            raise Problem(413, "too-large", f"more than {most} actions (ACTIONS_PER_REQUEST)")
    return actions


def portions(actions: list[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    """So many as take about a millisecond, so that others get their turn in between."""
    for begin in range(0, len(actions), _PORTION):
        yield actions[begin : begin + _PORTION]
