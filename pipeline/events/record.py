"""The canonical record: what every source's events look like once they are mapped."""

from datetime import datetime
from decimal import Decimal

import msgspec

FACET_SEPARATOR = "\x1f"
"""ASCII's own unit separator joins the facet values of a record; it is taken out of the values themselves."""


# The JSON names are those that the store's statement reads: they travel with every event, so they are short.
_NAMES = {
    "event_id": "id",
    "funnel_stage": "stage",
    "event_type": "type",
    "occurred_at": "at",
    "received_at": "received",
    "user_id": "user",
    "campaign_id": "campaign",
    "watch_seconds": "watch",
    "watched_percent": "watched",
}


class EventRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename=_NAMES):
    """One event as it is stored.

    `facets` are the user's demographic values in the order of the source's facet names, joined by
    FACET_SEPARATOR; empty where a value is not known. `amount` is set only where the event is a transaction.
    `payload` is the event's raw JSON, unknown fields included.
    """

    event_id: str
    funnel_stage: str
    event_type: str
    occurred_at: datetime
    received_at: datetime
    user_id: str | None
    facets: str
    payload: msgspec.Raw
    amount: Decimal | None = None
    currency: str | None = None
    campaign_id: str | None = None
    watch_seconds: float | None = None
    watched_percent: float | None = None


def join_facets(*values: str) -> str:
    """The `facets` of a record from its single values."""
    return FACET_SEPARATOR.join(value.replace(FACET_SEPARATOR, " ") for value in values)
