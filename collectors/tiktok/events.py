"""The schema of TikTok events (EVENTS §1). Unknown fields are ignored here and kept in the raw payload."""

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from pipeline.events.fields import EventId, Money, Timestamp

TopEventType = Literal["video.view", "like", "share", "comment"]
BottomEventType = Literal["profile.visit", "purchase", "follow"]
Device = Literal["Android", "iOS", "Desktop"]

EVENT_TYPES = {"top": get_args(TopEventType), "bottom": get_args(BottomEventType)}


class User(Struct, frozen=True, gc=False, rename="camel"):
    user_id: str
    username: str
    followers: Annotated[int, Meta(ge=0)]


class TopEngagement(Struct, frozen=True, gc=False, rename="camel"):
    watch_time: Annotated[float, Meta(ge=0, description="seconds")]
    percentage_watched: Annotated[float, Meta(ge=0, le=100)]
    device: Device
    country: str
    video_id: str


class BottomEngagement(Struct, frozen=True, gc=False, rename="camel"):
    action_time: datetime
    profile_id: str | None
    purchased_item: str | None
    purchase_amount: Money | None


class TopData(Struct, frozen=True, gc=False):
    user: User
    engagement: TopEngagement


class BottomData(Struct, frozen=True, gc=False):
    user: User
    engagement: BottomEngagement


class TopEvent(Struct, frozen=True, gc=False, rename="camel", tag_field="funnelStage", tag="top"):
    """Somebody watched a video or reacted to it."""

    event_id: EventId
    timestamp: Timestamp
    source: Literal["tiktok"]
    event_type: TopEventType
    data: TopData


class BottomEvent(Struct, frozen=True, gc=False, rename="camel", tag_field="funnelStage", tag="bottom"):
    """Somebody visited, followed or bought."""

    event_id: EventId
    timestamp: Timestamp
    source: Literal["tiktok"]
    event_type: BottomEventType
    data: BottomData


TikTokEvent = TopEvent | BottomEvent

decode_event = msgspec.json.Decoder(TikTokEvent).decode
