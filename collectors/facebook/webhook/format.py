"""The format `facebook.webhook.v1`: one update of Meta's webhooks, and the canonical record that it becomes."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from collectors.facebook.mapping import FACETS
from collectors.facebook.webhook.kinds import kind_of
from collectors.facebook.webhook.update import Facts, Update, read_update
from pipeline.events.identity import stable_id
from pipeline.events.reasons import Reason, Rejected
from pipeline.events.record import EventRecord, join_facets
from pipeline.events.source import Format
from pipeline.events.values import digest, moment, plain_name

_NO_FACETS = join_facets(*("" for _ in FACETS))
_MAX_FIELD_LENGTH = 60


class MetaEvent(msgspec.Struct, frozen=True, gc=False):
    """One update, understood as far as it is known."""

    event_id: str
    timestamp: datetime
    funnel_stage: str
    event_type: str
    user_id: str | None
    amount: Decimal | None
    currency: str | None
    campaign_id: str | None


def decode_update(raw: bytes | msgspec.Raw) -> MetaEvent:
    """Raises what msgspec raises for what is no update, and Rejected for money or a time that cannot be stored."""
    update = read_update(raw)
    kind = kind_of(update)
    facts = kind.map(update)
    return MetaEvent(
        event_id=_event_id(update, facts),
        timestamp=facts.time or _time_of_sending(update),
        funnel_stage=kind.stage,
        event_type=kind.event_type or f"unknown.{_plain_field(update)}",
        user_id=facts.user or None,
        amount=facts.amount,
        currency=facts.currency,
        campaign_id=facts.campaign or None,
    )


def to_record(event: MetaEvent, raw: msgspec.Raw, received_at: datetime) -> EventRecord:
    """Meta tells nothing of a user's age, gender or place: the facets are empty."""
    return EventRecord(
        event_id=event.event_id,
        funnel_stage=event.funnel_stage,
        event_type=event.event_type,
        occurred_at=event.timestamp,
        received_at=received_at,
        user_id=event.user_id,
        facets=_NO_FACETS,
        payload=raw,
        amount=event.amount,
        currency=event.currency,
        campaign_id=event.campaign_id,
    )


def _event_id(update: Update, facts: Facts) -> str:
    """The same for every delivery of an update.

    What has no id of its own is known by its content, and by the time of sending where it has no time either: two
    equal notices of two days are two, at the price that a re-send under another time is a third.
    """
    parts = facts.identity
    if parts is None:
        sent = "" if facts.time else str(update.entry.time or "")
        parts = ("content", sent, digest(update.value))
    return stable_id(
        f"meta-{_plain_field(update)}", "facebook", update.object, update.entry.id, update.field, *parts
    )


def _plain_field(update: Update) -> str:
    return plain_name(update.field)[:_MAX_FIELD_LENGTH] or "unnamed"


def _time_of_sending(update: Update) -> datetime:
    entry = update.entry
    sent = moment(entry.time, "$.entry.time") or moment(entry.received_at, "$.entry.received_at")
    if sent is None:
        raise Rejected(Reason.SCHEMA_VIOLATION, "$.entry.time", "neither the update nor its entry has a time")
    return sent.astimezone(UTC)


WEBHOOK_FORMAT = Format(name="facebook.webhook.v1", decode=decode_update, to_record=to_record)
