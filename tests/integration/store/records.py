"""Canonical records as a source's mapping makes them."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.events.record import EventRecord, join_facets

NOON = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)

_numbers = itertools.count(1)


def record(**changes: Any) -> EventRecord:
    """A purchase with a new id, except for what is said otherwise."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "event_id": f"fb-{number}",
        "funnel_stage": "bottom",
        "event_type": "checkout.complete",
        "occurred_at": NOON,
        "received_at": NOON,
        "user_id": f"u-{number}",
        "facets": join_facets("25-34", "female", "Portugal"),
        "payload": msgspec.Raw(b'{"n": %d}' % number),
        "amount": Decimal("49.90"),
        "campaign_id": f"camp-{number}",
    }
    return EventRecord(**{**fields, **changes})
