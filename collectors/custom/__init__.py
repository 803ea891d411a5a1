"""Anybody who can sign, or show a token: senders of Standard Webhooks and CloudEvents, by names that we give them.

1. `credentials.py` knows the senders and their secrets; `signature.py` believes a delivery or not.
2. `splitting.py` cuts it into updates, whatever mode it is in; `binary_mode.py` reads a CloudEvent from headers.
3. `mapping.py` makes canonical records of them, in a format of their own: `POST /events` does not take it.

docs/webhooks/custom.md says the same for people.
"""

from collectors.custom.credentials import CustomCredentials
from collectors.custom.mapping import EVENT_TYPES, FACETS, WEBHOOK_FORMAT
from collectors.custom.signature import knows, verify
from collectors.custom.splitting import split
from pipeline.events.source import Source
from pipeline.events.webhook import Webhook

WEBHOOK = Webhook(
    name="custom",
    format=WEBHOOK_FORMAT.name,
    credentials=CustomCredentials,
    knows=knows,
    verify=verify,
    split=split,
    any_sender=True,
)

SOURCE = Source(
    name="custom",
    event_types=EVENT_TYPES,
    facets=FACETS,
    formats={WEBHOOK_FORMAT.name: WEBHOOK_FORMAT},
    event_format=None,
    webhooks=(WEBHOOK,),
    open_event_types=("",),
)
