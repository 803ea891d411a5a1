"""What clients say, and what they are told."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.notifications.endings import Ending
from pipeline.stream import StoredNotice


class Authenticate(msgspec.Struct, frozen=True, tag="auth"):
    """The first message where the token did not come with the handshake; later, a new token in time.

    `since` and `topics` count the first time only.
    """

    token: str
    since: str | int | None = None
    topics: tuple[str, ...] = ()


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Follow a topic from now on."""

    topic: str


class Unsubscribe(msgspec.Struct, frozen=True, tag="unsubscribe"):
    """Follow it no longer."""

    topic: str


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Answered by a `pong`, after all that was to be told before."""


decode_message = msgspec.json.Decoder(Authenticate | Subscribe | Unsubscribe | Ping).decode
"""Raises what msgspec raises."""


class Outgoing(NamedTuple):
    """A message to a client.

    `sequence` is that of a notification, and 0 for everything else. `event` is its `type`. `position` is the `id` that
    the client may come back with once it has this; None where it stays what it was.
    """

    sequence: int
    event: str
    text: str
    position: int | None = None


HEARTBEAT = "heartbeat"


def notification(notice: StoredNotice, topic: str) -> Outgoing | None:
    """A notification as clients see it; `topic` is empty for what a user is told. None when it is none of ours."""
    body = notice.body
    # Other programs may publish to the stream, too.
    if body[:2] != b'{"' or body[-1:] != b"}" or b"\n" in body or b"\r" in body:
        return None
    try:
        rest = body[1:].decode()
    except UnicodeDecodeError:
        return None
    about = f'"topic":{json.dumps(topic)},' if topic else ""
    text = f'{{"type":"notification","id":"{notice.sequence}",{about}{rest}'
    return Outgoing(notice.sequence, "notification", text, notice.sequence)


def ready(position: int, user_id: str, topics: Sequence[str], expires_at: float) -> Outgoing:
    """The first message: from here on the client is told everything that comes after `id`."""
    return _control("ready", position, user=user_id, topics=topics, expiresAt=round(expires_at))


def gap(position: int, reason: str) -> Outgoing:
    """What came before `id`, or some of it, cannot be told any more: the client should ask for what is now."""
    return _control("gap", position, reason=reason)


def pong(position: int) -> Outgoing:
    """The client has been told everything up to `id`."""
    return _control("pong", position)


def heartbeat(position: int) -> Outgoing:
    """As `pong`, unasked."""
    return _control(HEARTBEAT, position)


def confirmed(event: str, **members: Any) -> Outgoing:
    """What was asked for is done."""
    return _control(event, **members)


def error(ending: Ending, **members: Any) -> Outgoing:
    """One thing was refused, and the connection goes on."""
    return _control("error", code=ending.code, kind=ending.name, detail=ending.reason, **members)


def closing(ending: Ending) -> Outgoing:
    """The end of a stream of server-sent events, which has no close codes."""
    return _control("close", code=ending.code, kind=ending.name, detail=ending.reason)


def _control(event: str, position: int | None = None, **members: Any) -> Outgoing:
    identity = {} if position is None else {"id": str(position)}
    return Outgoing(0, event, msgspec.json.encode({"type": event, **identity, **members}).decode(), position)
