"""What is kept of an event that was refused (EVENTS §4)."""

import uuid
from datetime import UTC, datetime

import msgspec

from pipeline.events.reasons import Rejection

MAX_KEPT_BYTES = 256 * 1024
"""Of what is larger the beginning is kept: a dead letter must fit into one message, as base64 and with what is told
about it."""


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """One refused event with everything that is needed to understand it and to try it again.

    `raw` travels as base64. `stage` is where it failed: `gateway`, the collector's service name, or `replay`.
    `received_at` is when the gateway first saw it; a replay keeps it. Of a `truncated` one only the beginning is kept,
    so it can be looked at and cannot be replayed. `format` is empty where nothing is known of it.
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
    truncated: bool = False


def new_dead_letter_id() -> str:
    """Ids are random: an event may be refused, fixed, replayed and refused again."""
    return uuid.uuid4().hex


def dead_letter_of(
    raw: bytes,
    rejection: Rejection,
    *,
    source: str,
    format_name: str,
    correlation_id: str,
    stage: str,
    received_at: datetime,
    replays: int = 0,
) -> DeadLetter:
    """The dead letter of an event that fails now, with as much of it as can be kept."""
    return DeadLetter(
        id=new_dead_letter_id(),
        source=source,
        format=format_name,
        rejection=rejection,
        raw=raw[:MAX_KEPT_BYTES],
        correlation_id=correlation_id,
        stage=stage,
        received_at=received_at,
        failed_at=datetime.now(UTC),
        replays=replays,
        truncated=len(raw) > MAX_KEPT_BYTES,
    )
