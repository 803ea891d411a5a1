"""TikTok events as canonical records."""

from bisect import bisect_right
from datetime import datetime
from decimal import Decimal
from typing import get_args

import msgspec

from collectors.tiktok.events import Device, TikTokEvent, TopEvent
from pipeline.events.record import EventRecord, join_facets

FOLLOWER_BUCKETS = ("<100", "100-999", "1K-9.9K", "10K-99.9K", "100K+")
_FOLLOWER_BOUNDS = (100, 1_000, 10_000, 100_000)

FACETS = {"followers": FOLLOWER_BUCKETS, "device": get_args(Device), "country": None}


def to_record(event: TikTokEvent, raw: msgspec.Raw, received_at: datetime) -> EventRecord:
    """A transaction is a `purchase` with an amount. Device, country and watch figures come with top events only."""
    user = event.data.user
    followers = FOLLOWER_BUCKETS[bisect_right(_FOLLOWER_BOUNDS, user.followers)]
    if isinstance(event, TopEvent):
        watched = event.data.engagement
        return EventRecord(
            event_id=event.event_id,
            funnel_stage="top",
            event_type=event.event_type,
            occurred_at=event.timestamp,
            received_at=received_at,
            user_id=user.user_id,
            facets=join_facets(followers, watched.device, watched.country),
            payload=raw,
            watch_seconds=watched.watch_time,
            watched_percent=watched.percentage_watched,
        )
    amount = event.data.engagement.purchase_amount
    return EventRecord(
        event_id=event.event_id,
        funnel_stage="bottom",
        event_type=event.event_type,
        occurred_at=event.timestamp,
        received_at=received_at,
        user_id=user.user_id,
        facets=join_facets(followers, "", ""),
        payload=raw,
        amount=Decimal(amount) if amount is not None and event.event_type == "purchase" else None,
    )
