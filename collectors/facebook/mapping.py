"""Facebook events as canonical records."""

from bisect import bisect_right
from datetime import datetime
from decimal import Decimal

import msgspec

from collectors.facebook.events import BottomEvent, FacebookEvent
from pipeline.events.record import EventRecord, join_facets

AGE_BUCKETS = ("<18", "18-24", "25-34", "35-44", "45-54", "55+")
_AGE_BOUNDS = (18, 25, 35, 45, 55)

FACETS = {"age": AGE_BUCKETS, "gender": ("male", "female", "non-binary"), "location": None}


def to_record(event: FacebookEvent, raw: msgspec.Raw, received_at: datetime) -> EventRecord:
    """A transaction is a `checkout.complete` with an amount; an amount on anything else is no revenue."""
    user = event.data.user
    amount = campaign_id = None
    stage = "top"
    if isinstance(event, BottomEvent):
        stage = "bottom"
        engagement = event.data.engagement
        campaign_id = engagement.campaign_id
        if event.event_type == "checkout.complete" and engagement.purchase_amount is not None:
            amount = Decimal(engagement.purchase_amount)
    return EventRecord(
        event_id=event.event_id,
        funnel_stage=stage,
        event_type=event.event_type,
        occurred_at=event.timestamp,
        received_at=received_at,
        user_id=user.user_id,
        facets=join_facets(
            AGE_BUCKETS[bisect_right(_AGE_BOUNDS, user.age)], user.gender, user.location.country
        ),
        payload=raw,
        amount=amount,
        campaign_id=campaign_id,
    )
