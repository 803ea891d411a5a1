"""What is kept of an event that was refused (EVENTS §4)."""

import uuid
from datetime import datetime

import msgspec

from pipeline.events.reasons import Rejection


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """One refused event with everything that is needed to understand it and to try it again.

    `raw` travels as base64. `stage` is where it failed: `gateway`, or the collector's service name.
    `received_at` is when the gateway first saw it; a replay keeps it.
    """

    id: str
    source: str
    format: str
    rejection: Rejection
    raw: bytes
    correlation_id: str
    stage: str
    received_at: datetime
    failed_at: datetime
    replays: int = 0


def new_dead_letter_id() -> str:
    """Ids are random: an event may be refused, fixed, replayed and refused again."""
    return uuid.uuid4().hex
