"""TikTok: video interactions at the top of the funnel, visits, follows and purchases at the bottom; and what TikTok
itself reports through its webhooks, about posts, shops and conversions."""

from collectors.tiktok.events import EVENT_TYPES, decode_event
from collectors.tiktok.mapping import FACETS, to_record
from collectors.tiktok.webhook import (
    SHOP_FORMAT,
    SHOP_WEBHOOK,
    WEBHOOK,
    WEBHOOK_FORMAT,
    native_event_types,
)
from pipeline.events.source import Format, Source

EVENT_FORMAT = Format(name="tiktok.event.v1", decode=decode_event, to_record=to_record)

SOURCE = Source(
    name="tiktok",
    event_types={
        stage: tuple(dict.fromkeys((*types, *native_event_types(stage))))
        for stage, types in EVENT_TYPES.items()
    },
    facets=FACETS,
    formats={known.name: known for known in (EVENT_FORMAT, WEBHOOK_FORMAT, SHOP_FORMAT)},
    event_format=EVENT_FORMAT.name,
    webhooks=(WEBHOOK, SHOP_WEBHOOK),
    open_event_types=("unknown.",),
)
