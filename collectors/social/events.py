"""The schema of social actions (EVENTS §3), and the envelope in which the gateway passes one on.

An app sends the action alone. The gateway knows more about it: the id and the time, where the app gave none, and
where it came from. So what travels is `{"id", "timestamp", "address", "action"}`, the action as it came.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pipeline.events.fields import EventId, Timestamp

EVENT_TYPES = {
    "top": ("like", "unlike", "comment", "share"),
    "bottom": ("post", "follow", "unfollow"),
}
"""Reactions to what others made are the top of the funnel; making something and binding oneself are the bottom."""

Name = Annotated[str, Meta(min_length=1, max_length=128)]
"""Of a user or a post."""

Text = Annotated[str, Meta(min_length=1, max_length=10_000)]


class _Action(Struct, frozen=True, gc=False, rename="camel", tag_field="type"):
    user_id: Name
    id: EventId | None = None
    """The app's idempotency key; assigned where there is none."""
    timestamp: Timestamp | None = None
    """When it happened; the time of arrival where the app does not say."""


class Post(_Action, frozen=True, gc=False, tag="post", kw_only=True):
    """Creates the post."""

    post_id: Name
    text: Text | None = None


class Like(_Action, frozen=True, gc=False, tag="like", kw_only=True):
    """From now on the user likes the post; twice counts once."""

    post_id: Name


class Unlike(_Action, frozen=True, gc=False, tag="unlike", kw_only=True):
    """From now on the user does not like the post."""

    post_id: Name


class Comment(_Action, frozen=True, gc=False, tag="comment", kw_only=True):
    """Says something about the post."""

    post_id: Name
    text: Text


class Share(_Action, frozen=True, gc=False, tag="share", kw_only=True):
    """Shows the post to others."""

    post_id: Name


class Follow(_Action, frozen=True, gc=False, tag="follow", kw_only=True):
    """From now on the user follows another."""

    target_user_id: Name


class Unfollow(_Action, frozen=True, gc=False, tag="unfollow", kw_only=True):
    """From now on the user does not follow the other."""

    target_user_id: Name


Action = Post | Like | Unlike | Comment | Share | Follow | Unfollow

decode_sent = msgspec.json.Decoder(Action).decode
"""An action as an app sends it. Raises what msgspec raises."""


class Envelope(Struct, frozen=True, gc=False):
    """An action as the gateway passes it on. `address` is a keyed hash of the address that it came from, never the
    address itself; empty where it is not known."""

    event_id: EventId = msgspec.field(name="id")
    timestamp: Timestamp
    action: Action
    address: str = ""


decode_action = msgspec.json.Decoder(Envelope).decode


def envelop(action: msgspec.Raw, event_id: str, timestamp: str, address: str) -> msgspec.Raw:
    """The envelope's JSON around an action as it came."""
    head = msgspec.json.encode({"id": event_id, "timestamp": timestamp, "address": address})
    return msgspec.Raw(b'%b,"action":%b}' % (head[:-1], bytes(action)))
