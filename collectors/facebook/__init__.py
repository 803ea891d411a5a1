"""Facebook: page and video interactions at the top of the funnel, clicks and checkouts at the bottom."""

from collectors.facebook.events import EVENT_TYPES, decode_event
from collectors.facebook.mapping import FACETS, to_record
from pipeline.events.source import Format, Source

EVENT_FORMAT = Format(name="facebook.event.v1", decode=decode_event, to_record=to_record)

SOURCE = Source(
    name="facebook",
    event_types=EVENT_TYPES,
    facets=FACETS,
    formats={EVENT_FORMAT.name: EVENT_FORMAT},
    event_format=EVENT_FORMAT.name,
)
