"""Social: what people do in apps that have Sluice as their back end: post, like, comment, share, follow."""

from collectors.social.events import EVENT_TYPES, decode_action
from collectors.social.mapping import FACETS, to_record
from pipeline.events.source import Format, Source

ACTION_FORMAT = Format(name="social.action.v1", decode=decode_action, to_record=to_record)

SOURCE = Source(
    name="social",
    event_types=EVENT_TYPES,
    facets=FACETS,
    formats={ACTION_FORMAT.name: ACTION_FORMAT},
    event_format=None,
    projection="social",
)
