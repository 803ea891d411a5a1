"""The format `custom.webhook.v1`: one Standard Webhooks body or one CloudEvent, and its canonical record."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from pipeline.events.identity import stable_id
from pipeline.events.reasons import Reason, Rejected
from pipeline.events.record import EventRecord, join_facets
from pipeline.events.source import Format
from pipeline.events.values import at, identifier, iso_moment, moment, number_as_written, plain_name, text

STAGE = "top"
"""Nobody can tell where in a funnel an event of any kind stands: what is a sale comes through `POST /events`."""

EVENT_TYPES: dict[str, tuple[str, ...]] = {STAGE: ()}
FACETS = {"sender": None}

UNTYPED = "untyped"
_SPECVERSION = "1.0"

_Instant = Annotated[datetime, Meta(tz=True)]


class _Delivered(msgspec.Struct, frozen=True):
    id: str
    body: Any
    timestamp: int | None = None


class _Written(msgspec.Struct, frozen=True):
    sender: str
    received_at: _Instant
    webhook: _Delivered | None = None
    cloudevent: dict[str, Any] | None = None


class CustomEvent(msgspec.Struct, frozen=True, gc=False):
    """What is known of an event, whoever sent it."""

    event_id: str
    timestamp: datetime
    event_type: str
    sender: str
    user_id: str | None


# Not one number is needed: those that are no integers stay as they were written.
_decode = msgspec.json.Decoder(_Written, float_hook=number_as_written).decode


def decode_update(raw: Any) -> CustomEvent:
    """Raises what msgspec raises, and Rejected for a CloudEvent that is none."""
    written = _decode(raw)
    if written.webhook is not None:
        return _webhook(written, written.webhook)
    if written.cloudevent is not None:
        return _cloudevent(written, written.cloudevent)
    raise Rejected(Reason.SCHEMA_VIOLATION, "$", "holds neither a webhook nor a CloudEvent")


def to_record(event: CustomEvent, raw: msgspec.Raw, received_at: datetime) -> EventRecord:
    """Without money: see STAGE."""
    return EventRecord(
        event_id=event.event_id,
        funnel_stage=STAGE,
        event_type=event.event_type,
        occurred_at=event.timestamp,
        received_at=received_at,
        user_id=event.user_id,
        facets=join_facets(event.sender),
        payload=raw,
    )


def _webhook(written: _Written, delivered: _Delivered) -> CustomEvent:
    """The id is that of the message, which a sender keeps when it tries again, and so is a time in the body. The time
    of the delivery is that of the attempt: the ledger keeps the first."""
    body = delivered.body
    attempted_at = moment(delivered.timestamp, "$.webhook.timestamp") or written.received_at
    return CustomEvent(
        event_id=stable_id("webhook", written.sender, delivered.id),
        timestamp=iso_moment(at(body, "timestamp")) or attempted_at,
        event_type=plain_name(text(at(body, "type"))) or UNTYPED,
        sender=written.sender,
        user_id=_user(at(body, "data")),
    )


def _cloudevent(written: _Written, event: dict[str, Any]) -> CustomEvent:
    """Two events with the same source and id are the same event (CloudEvents 1.0.2, `source`)."""
    required = {name: text(event.get(name)) for name in ("id", "source", "type", "specversion")}
    for name, value in required.items():
        if not value:
            detail = "a CloudEvent has it, as a string that is not empty"
            raise Rejected(Reason.SCHEMA_VIOLATION, f"$.cloudevent.{name}", detail)
    if required["specversion"] != _SPECVERSION:
        raise Rejected(
            Reason.UNSUPPORTED_FORMAT, "$.cloudevent.specversion", f"only {_SPECVERSION} is understood"
        )
    return CustomEvent(
        event_id=stable_id("cloudevent", written.sender, required["source"], required["id"]),
        timestamp=_time(event) or written.received_at,
        event_type=plain_name(required["type"]) or UNTYPED,
        sender=written.sender,
        user_id=identifier(event.get("userid")) or _user(event.get("data")),
    )


def _time(event: dict[str, Any]) -> datetime | None:
    value = event.get("time")
    if value is None:
        return None
    try:
        return msgspec.convert(value, _Instant)
    except msgspec.ValidationError:
        detail = "expected a time as RFC 3339 has it"
        raise Rejected(Reason.SCHEMA_VIOLATION, "$.cloudevent.time", detail) from None


def _user(data: Any) -> str | None:
    """Where senders usually say whom it is about: `data.userId`, `data.user_id` or `data.user.id`."""
    places = (at(data, "userId"), at(data, "user_id"), at(data, "user", "id"))
    return next((found for value in places if (found := identifier(value))), None)


WEBHOOK_FORMAT = Format(name="custom.webhook.v1", decode=decode_update, to_record=to_record)
