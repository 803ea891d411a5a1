"""The schema of Facebook events (EVENTS §1). Unknown fields are ignored here and kept in the raw payload."""

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from pipeline.events.fields import EventId, Money, Timestamp

TopEventType = Literal["ad.view", "page.like", "comment", "video.view"]
BottomEventType = Literal["ad.click", "form.submission", "checkout.complete"]

EVENT_TYPES = {"top": get_args(TopEventType), "bottom": get_args(BottomEventType)}


class Location(Struct, frozen=True, gc=False):
    country: str
    city: str


class User(Struct, frozen=True, gc=False, rename="camel"):
    user_id: str
    name: str
    age: Annotated[int, Meta(ge=0, le=150)]
    gender: Literal["male", "female", "non-binary"]
    location: Location


class TopEngagement(Struct, frozen=True, gc=False, rename="camel"):
    action_time: datetime
    referrer: Literal["newsfeed", "marketplace", "groups"]
    video_id: str | None


class BottomEngagement(Struct, frozen=True, gc=False, rename="camel"):
    ad_id: str
    campaign_id: str
    click_position: Literal["top_left", "bottom_right", "center"]
    device: Literal["mobile", "desktop"]
    browser: Literal["Chrome", "Firefox", "Safari"]
    purchase_amount: Money | None


class TopData(Struct, frozen=True, gc=False):
    user: User
    engagement: TopEngagement


class BottomData(Struct, frozen=True, gc=False):
    user: User
    engagement: BottomEngagement


class TopEvent(Struct, frozen=True, gc=False, rename="camel", tag_field="funnelStage", tag="top"):
    """Somebody saw or liked something."""

    event_id: EventId
    timestamp: Timestamp
    source: Literal["facebook"]
    event_type: TopEventType
    data: TopData


class BottomEvent(Struct, frozen=True, gc=False, rename="camel", tag_field="funnelStage", tag="bottom"):
    """Somebody clicked, signed up or bought."""

    event_id: EventId
    timestamp: Timestamp
    source: Literal["facebook"]
    event_type: BottomEventType
    data: BottomData


FacebookEvent = TopEvent | BottomEvent

decode_event = msgspec.json.Decoder(FacebookEvent).decode
