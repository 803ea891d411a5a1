"""What both sides of the peer agree on."""

from datetime import datetime
from typing import Any, Literal

import msgspec

STREAM = "PEER"
SUBJECTS = "peer.*"

CREATE = """
CREATE TABLE IF NOT EXISTS peer_events (
    event_id     text PRIMARY KEY,
    occurred_at  timestamptz NOT NULL,
    source       text NOT NULL,
    funnel_stage text NOT NULL,
    event_type   text NOT NULL,
    user_id      text NOT NULL,
    payload      jsonb NOT NULL
)
"""


class Event(msgspec.Struct, rename="camel"):
    """One event. The parts that differ by type are kept as they are."""

    event_id: str
    timestamp: datetime
    source: Literal["facebook", "tiktok"]
    funnel_stage: Literal["top", "bottom"]
    event_type: str
    data: dict[str, Any]


class Accepted(msgspec.Struct):
    """The answer of the gateway."""

    accepted: int
    rejected: int = 0


def subject(source: str) -> str:
    return f"peer.{source}"
