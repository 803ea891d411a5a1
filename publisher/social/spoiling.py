"""Actions that nobody can accept, as apps with a mistake in them send."""

import random
from typing import Any

from publisher.social.action import Action

_TOO_LATE = "9998-12-31T23:59:59Z"

FLAWS = ("kind", "time", "subject", "user", "text")
"""An unknown type, a time that is long to come, no subject, an empty user, and a text that is no text."""


def choose_flaw(rng: random.Random) -> str:
    """One of them."""
    return rng.choice(FLAWS)


def spoil(members: dict[str, Any], action: Action) -> dict[str, Any]:
    """The content of an action with its flaw."""
    match action.flaw:
        case "kind":
            return members | {"type": "adore"}
        case "time":
            return members | {"timestamp": _TOO_LATE}
        case "subject":
            return {name: value for name, value in members.items() if name not in ("postId", "targetUserId")}
        case "user":
            return members | {"userId": ""}
        case "text":
            return members | {"type": "comment", "postId": action.subject, "text": 17}
        case _:
            return members
