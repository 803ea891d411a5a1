"""What `POST /api/events` answers."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from pipeline.events.reasons import Rejection

FORBIDDEN = "forbidden"
"""The reason of an action that its sender may not do. Not among those of dead letters: it is none."""


class ActionResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one action: its index in the body, its id (the app's, else the one that it got), and for a
    rejected one the reason, where, and what is wrong."""

    index: int
    id: str
    status: Literal["accepted", "rejected"]
    reason: str = ""
    path: str = ""
    detail: str = ""


class ActionsTaken(msgspec.Struct, frozen=True):
    """All accepted actions are on disk. `results` has one entry for each action, in the order of the body."""

    accepted: int
    rejected: int
    results: Sequence[ActionResult]


def accepted(index: int, action_id: str) -> ActionResult:
    return ActionResult(index, action_id, "accepted")


def rejected(index: int, action_id: str, rejection: Rejection) -> ActionResult:
    return ActionResult(
        index, action_id, "rejected", rejection.reason.value, rejection.path, rejection.detail
    )


def forbidden(index: int, action_id: str) -> ActionResult:
    return ActionResult(
        index, action_id, "rejected", FORBIDDEN, "$.userId", "not the user that the token was made for"
    )
