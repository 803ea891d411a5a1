"""Social actions as canonical records."""

from datetime import datetime

import msgspec

from collectors.social.events import EVENT_TYPES, Envelope
from pipeline.events.record import EventRecord

FACETS: dict[str, tuple[str, ...] | None] = {}
"""An action tells nothing of the person but the id."""

_STAGES = {event_type: stage for stage, types in EVENT_TYPES.items() for event_type in types}


def to_record(envelope: Envelope, raw: msgspec.Raw, received_at: datetime) -> EventRecord:
    """The record of an action. What it does to posts, likes and follows is the store's business, from the payload."""
    event_type = str(type(envelope.action).__struct_config__.tag)
    return EventRecord(
        event_id=envelope.event_id,
        funnel_stage=_STAGES[event_type],
        event_type=event_type,
        occurred_at=envelope.timestamp,
        received_at=received_at,
        user_id=envelope.action.user_id,
        facets="",
        payload=raw,
    )
