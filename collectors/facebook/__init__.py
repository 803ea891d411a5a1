"""Facebook, in two formats: events as `POST /events` takes them, and what Meta itself delivers to its webhook."""

from collectors.facebook.events import EVENT_TYPES, decode_event
from collectors.facebook.mapping import FACETS, to_record
from collectors.facebook.webhook import WEBHOOK
from collectors.facebook.webhook.format import WEBHOOK_FORMAT
from collectors.facebook.webhook.kinds import event_types
from pipeline.events.source import Format, Source

EVENT_FORMAT = Format(name="facebook.event.v1", decode=decode_event, to_record=to_record)

SOURCE = Source(
    name="facebook",
    event_types={stage: (*kinds, *event_types(stage)) for stage, kinds in EVENT_TYPES.items()},
    facets=FACETS,
    formats={EVENT_FORMAT.name: EVENT_FORMAT, WEBHOOK_FORMAT.name: WEBHOOK_FORMAT},
    event_format=EVENT_FORMAT.name,
    webhooks=(WEBHOOK,),
    open_event_types=("unknown.",),
)
