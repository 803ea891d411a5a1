"""One native update of TikTok, understood, and the canonical record that it becomes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from collectors.tiktok.mapping import FACETS
from pipeline.events.reasons import Reason, Rejected
from pipeline.events.record import EventRecord, join_facets
from pipeline.events.values import moment, plain_name, text

_NO_FACETS = join_facets(*("" for _ in FACETS))


class NativeEvent(msgspec.Struct, frozen=True, gc=False):
    """What a mapping makes of an update. `amount` is set only where it is a transaction."""

    event_id: str
    timestamp: datetime
    funnel_stage: str
    event_type: str
    user_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None


def to_record(event: NativeEvent, raw: msgspec.Raw, received_at: datetime) -> EventRecord:
    """TikTok's webhooks tell nothing of a user's followers, device or country: the facets are empty."""
    return EventRecord(
        event_id=event.event_id,
        funnel_stage=event.funnel_stage,
        event_type=event.event_type,
        occurred_at=event.timestamp,
        received_at=received_at,
        user_id=event.user_id,
        facets=_NO_FACETS,
        payload=raw,
        amount=event.amount,
        currency=event.currency,
    )


def unknown(name: str) -> str:
    """The event type of a kind that no table has."""
    return f"unknown.{plain_name(name) or 'unnamed'}"


def required_text(update: dict[str, Any], name: str) -> str:
    """Raises Rejected when the member is no string, or an empty one."""
    value = text(update.get(name))
    if not value:
        raise Rejected(Reason.SCHEMA_VIOLATION, f"$.{name}", "expected a string that is not empty")
    return value


def required_moment(value: Any, path: str) -> datetime:
    """Raises Rejected when the provider gives no time: without one, a second delivery would be another record."""
    found = moment(value, path)
    if found is None:
        raise Rejected(Reason.SCHEMA_VIOLATION, path, "expected a time in seconds")
    return found
