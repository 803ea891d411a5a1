"""One social action, and how an app writes it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

Kind = Literal["post", "like", "unlike", "comment", "share", "follow", "unfollow"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Action(msgspec.Struct, frozen=True, gc=False):
    """Somebody does something: `subject` is a post, or for follow and unfollow another user.

    `at_us` is when, in µs since 1970; no two actions of a user in a run have the same. Where `says_when` is False the
    app does not tell it, and the time of arrival counts. With a `flaw` nobody can accept it (see `spoiling.py`).
    """

    kind: Kind
    user: str
    subject: str
    at_us: int
    number: int
    """Counts the actions of a run."""
    text: str | None = None
    says_when: bool = True
    flaw: str = ""

    @property
    def is_about_a_user(self) -> bool:
        return self.kind in ("follow", "unfollow")


def content(action: Action, action_id: str | None) -> dict[str, Any]:
    """The action as JSON will hold it, with the app's own id where it gives one."""
    members: dict[str, Any] = {"userId": action.user, "type": action.kind}
    members["targetUserId" if action.is_about_a_user else "postId"] = action.subject
    if action_id is not None:
        members["id"] = action_id
    if action.says_when:
        members["timestamp"] = instant(action.at_us)
    if action.text is not None:
        members["text"] = action.text
    return members


def instant(at_us: int) -> str:
    """µs since 1970 as ISO 8601 in UTC."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")
