"""Any other sender: the bodies that Standard Webhooks recommends, and CloudEvents that are signed like them."""

from datetime import UTC, datetime

import msgspec

from publisher.senders.draft import Draft, Made, Mixture
from publisher.senders.single import Manner
from publisher.senders.update import Content, Expected

_TYPES = ("contact.created", "contact.updated", "invoice.paid", "invoice.voided", "ticket.opened")


def event(draft: Draft) -> Made:
    """`type`, `timestamp`, `data`."""
    user, name = draft.person()
    kind = draft.choose(_TYPES)
    data = {"id": draft.number(12), "userId": user, "name": name, "note": draft.text()}
    body = {"type": kind, "timestamp": _iso(draft.at_ms), "data": data}
    return Made(body, Expected(event_type=kind, user=user, at_ms=draft.at_ms))


def plain(draft: Draft) -> Made:
    """Neither a type nor a time: that of the first attempt counts."""
    return Made({"ping": draft.number(6)}, Expected(event_type="untyped"))


def cloudevent(draft: Draft) -> Made:
    """Known by its own id and source."""
    user, _ = draft.person()
    body = {
        "specversion": "1.0",
        "id": draft.token,
        "source": "https://shop.example.com/orders",
        "type": "com.example.order.created",
        "time": _iso(draft.at_ms),
        "data": {"userId": user, "total": str(draft.amount())},
    }
    return Made(body, Expected(event_type="com.example.order.created", user=user, at_ms=draft.at_ms))


def _iso(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _content_type(content: Content) -> str:
    return "application/cloudevents+json" if "specversion" in content else "application/json"


MANNER = Manner(
    name="standard-webhooks",
    kinds=Mixture({event: 75, plain: 5, cloudevent: 20}, ()),
    flavours=("text",),
    body=msgspec.json.encode,
    webhook_id=lambda token: f"msg_{token}",
    content_type=_content_type,
)
