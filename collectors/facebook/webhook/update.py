"""One update as the mappings see it, whichever envelope it came in."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.events.reasons import Reason, Rejected
from pipeline.events.values import at, items, number_as_written, text

CONVERSIONS = "conversions"
"""The object of the Conversions API's events, whose body names none."""

WHATSAPP = "whatsapp_business_account"


class Entry(msgspec.Struct, frozen=True, gc=False):
    """Whose update it is. `time` is when it was sent; where the sender gives none, `received_at` is there (seconds)."""

    id: str = ""
    time: int | None = None
    received_at: int | None = None


class Change(msgspec.Struct, frozen=True):
    field: str
    value: Any = None


class _Written(msgspec.Struct, frozen=True):
    object: str
    entry: Entry = Entry()
    change: Change | None = None
    messaging: dict[str, Any] | None = None
    standby: dict[str, Any] | None = None
    changed_field: str | None = None
    conversion: dict[str, Any] | None = None


class Update(msgspec.Struct, frozen=True):
    """`object`, `field`, `item` and `verb` tell the kind; `value` is what it is about, `path` where that stands."""

    object: str
    entry: Entry
    field: str
    item: str
    verb: str
    value: Any
    path: str


class Facts(msgspec.Struct, frozen=True):
    """What a mapping finds in an update.

    `identity` are the parts that tell it from every other update of its object, entry and field, None where there are
    none: then its content is its identity. `time` is the provider's own time of it, None where it has none.
    """

    identity: tuple[str, ...] | None = None
    time: datetime | None = None
    user: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    campaign: str = ""


_decode = msgspec.json.Decoder(_Written, float_hook=number_as_written).decode

_MESSAGING_ITEMS = (
    "message",
    "message_edit",
    "postback",
    "reaction",
    "read",
    "delivery",
    "referral",
    "optin",
)


def read_update(raw: bytes | msgspec.Raw) -> Update:
    """Raises what msgspec raises, or Rejected when there is nothing in it."""
    written = _decode(raw)
    change = written.change
    if change is not None:
        if written.object == WHATSAPP and change.field == "messages":
            return _whatsapp_update(written, change)
        if at(change.value, "sender") and _messaging_item(change.value):
            # What the dashboard's test button sends, and Instagram Login: a message in the shape of a change.
            return _messaging_update(written, "messaging", change.value, "$.change.value")
        item, verb = text(at(change.value, "item")), text(at(change.value, "verb"))
        return _update(written, change.field, item, verb, change.value, "$.change.value")
    if written.messaging is not None:
        return _messaging_update(written, "messaging", written.messaging, "$.messaging")
    if written.standby is not None:
        return _messaging_update(written, "standby", written.standby, "$.standby")
    if written.changed_field is not None:
        field = written.changed_field
        return _update(written, field, "changed_field", "", None, "$.changed_field")
    if written.conversion is not None:
        name = text(written.conversion.get("event_name"))
        return _update(written, name, "", "", written.conversion, "$.conversion")
    raise Rejected(Reason.SCHEMA_VIOLATION, "$", "holds no update")


def _update(written: _Written, field: str, item: str, verb: str, value: Any, path: str) -> Update:
    return Update(written.object, written.entry, field, item, verb, value, path)


def _messaging_update(written: _Written, field: str, value: dict[str, Any], path: str) -> Update:
    item = _messaging_item(value)
    verb = text(at(value, item, "action"))
    if item == "message":
        flags = ("is_deleted", "is_echo")
        verb = next((flag for flag in flags if at(value, item, flag) is True), "")
    return _update(written, field, item, verb, value, path)


def _messaging_item(value: dict[str, Any]) -> str:
    return next((name for name in _MESSAGING_ITEMS if name in value), "")


def _whatsapp_update(written: _Written, change: Change) -> Update:
    for member, verb in (("messages", "type"), ("statuses", "status")):
        found = items(at(change.value, member))
        if found:
            path = f"$.change.value.{member}[0]"
            kind = text(at(found[0], verb))
            return Update(written.object, written.entry, change.field, member, kind, found[0], path)
    return _update(written, change.field, "", "", change.value, "$.change.value")
