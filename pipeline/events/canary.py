"""A canary: a message that goes the whole way of an event and is none.

The gateway takes it in at a door of its own, and publishes it in a record batch of the format `canary`, which no source
has. The source's collector stores it where nothing is counted, and whoever sent it looks there for it. What makes a
canary is the format of its batch, which only that door gives: nothing that stands in an event does.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec

CANARY_FORMAT = "canary"

SENDER_DIGITS = 16

Sender = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{{{SENDER_DIGITS}}}\Z")]
"""A process that sends canaries: drawn at random when it starts."""

Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""Counts the canaries of one sender to one source, so that the younger of two can be told."""


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What travels: one element of the batch."""

    sender: Sender
    number: Number


class ArrivedCanary(msgspec.Struct, frozen=True):
    """A canary that came to its collector, and when the gateway took it in."""

    sender: str
    number: int
    received_at: datetime


decode_canary: Callable[[bytes | msgspec.Raw], Canary] = msgspec.json.Decoder(Canary).decode
"""Raises what msgspec raises: another program may publish anything."""


def encode_canary(canary: Canary) -> msgspec.Raw:
    """As it travels."""
    return msgspec.Raw(msgspec.json.encode(canary))


def canary_name(sender: str, number: int) -> str:
    """How logs call a canary: its correlation id."""
    return f"canary-{sender}-{number}"
