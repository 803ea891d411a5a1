"""TikTok: video interactions at the top of the funnel, visits, follows and purchases at the bottom."""

from collectors.tiktok.events import EVENT_TYPES, decode_event
from collectors.tiktok.mapping import FACETS, to_record
from pipeline.events.source import Format, Source

EVENT_FORMAT = Format(name="tiktok.event.v1", decode=decode_event, to_record=to_record)

SOURCE = Source(
    name="tiktok",
    event_types=EVENT_TYPES,
    facets=FACETS,
    formats={EVENT_FORMAT.name: EVENT_FORMAT},
    event_format=EVENT_FORMAT.name,
)
