"""What TikTok Shop notifies of: `type, tts_notification_id, shop_id, timestamp, data`.

What a type's number means differs between what is published about it, so a kind is told by the members of `data`, and
by its number only where they leave it open. A kind that is new is a row of `KINDS`, and a function where there is more
to say than a name.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from collectors.tiktok.webhook.native import NativeEvent, required_moment, unknown
from pipeline.events.identity import stable_id
from pipeline.events.reasons import Reason, Rejected
from pipeline.events.values import at, digest, identifier, moment, text

_ORDER = "shop.order."
_ORDER_STATUSES = {
    "UNPAID": "unpaid",
    "ON_HOLD": "on_hold",
    "AWAITING_SHIPMENT": "awaiting_shipment",
    "PARTIALLY_SHIPPING": "partially_shipping",
    "AWAITING_COLLECTION": "awaiting_collection",
    "IN_TRANSIT": "in_transit",
    "DELIVERED": "delivered",
    "COMPLETED": "completed",
    "CANCEL": "cancelled",
    "CANCELLED": "cancelled",
}


class Kind(msgspec.Struct, frozen=True):
    """`data` has all of `members`; the number is one of `types`, where there are any. `time` names the member of
    `data` that tells when it happened: the notification's own `timestamp` may be that of the push."""

    event_type: str
    stage: str
    members: tuple[str, ...]
    types: tuple[int, ...] = ()
    time: str = "update_time"
    name: Callable[[Any], str] | None = None
    """The event type of this very notification, where it depends on the data; None where it is always the same."""
    user: Callable[[Any], str] | None = None


def order_status(data: Any) -> str:
    """A type for each status, because the status is what reports want to count. The event names no amount."""
    status = text(at(data, "order_status"))
    known = _ORDER_STATUSES.get(status)
    return _ORDER + known if known else unknown(_ORDER + status)


def message_sender(data: Any) -> str:
    """The sender's id, whichever of the two messages it is."""
    sender = at(data, "sender")
    return identifier(at(sender, "im_user_id")) or identifier(at(sender, "sender_im_user_id"))


KINDS: tuple[Kind, ...] = (
    Kind(_ORDER, "bottom", ("order_id", "order_status"), name=order_status),
    # A refund is money that goes back, and no transaction: its sum stays in the payload.
    Kind("shop.refund", "bottom", ("refund_status", "refund_total"), time="refund_timestamp"),
    Kind("shop.cancellation", "bottom", ("cancel_id", "cancel_status")),
    Kind("shop.return", "bottom", ("return_id", "return_status")),
    Kind("shop.invoice", "bottom", ("package_id", "invoice_status")),
    Kind("shop.package", "bottom", ("package_list",)),
    Kind("shop.order.address", "bottom", ("order_id", "update_time"), (3,)),
    Kind(
        "shop.message", "bottom", ("message_id", "conversation_id"), time="create_time", user=message_sender
    ),
    Kind("shop.conversation", "top", ("conversation_id",), (13,)),
    Kind("shop.inventory", "top", ("sku_id", "current_inventory_status")),
    Kind("shop.product.audit", "top", ("product_id", "audit")),
    Kind("shop.product.change", "top", ("product_id", "changed_fields")),
    Kind("shop.product.creation", "top", ("product_id",), (16,)),
    Kind("shop.product.status", "top", ("product_id", "status"), (5,)),
    Kind("shop.authorization.expiring", "top", ("message", "expiration_time")),
    Kind("shop.authorization.removed", "top", ("message",), (6,)),
)
"""The first that fits counts."""


def event_types(stage: str) -> tuple[str, ...]:
    """All that can come out of the table, but for what is unknown."""
    orders = (_ORDER + status for status in dict.fromkeys(_ORDER_STATUSES.values()))
    others = (kind.event_type for kind in KINDS if kind.name is None and kind.stage == stage)
    return (*orders, *others) if stage == "bottom" else tuple(others)


def map_shop_notification(update: dict[str, Any]) -> NativeEvent:
    """Raises Rejected when there is no type or no time."""
    data, number = update.get("data"), update.get("type")
    written = identifier(number)
    if not written:
        raise Rejected(Reason.SCHEMA_VIOLATION, "$.type", "expected a number")
    kind = next((kind for kind in KINDS if _fits(kind, number, data)), None)
    happened = moment(at(data, kind.time), f"$.data.{kind.time}") if kind else None
    pushed = required_moment(update.get("timestamp"), "$.timestamp")
    event_type = unknown(written)
    if kind is not None:
        event_type = kind.name(data) if kind.name else kind.event_type
    return NativeEvent(
        event_id=_event_id(update, data, written),
        timestamp=happened if happened and happened.timestamp() else pushed,  # zero means that it is not set
        funnel_stage=kind.stage if kind else "top",
        event_type=event_type,
        user_id=(kind.user(data) or None) if kind and kind.user else None,
    )


def _fits(kind: Kind, number: Any, data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    return all(member in data for member in kind.members) and (not kind.types or number in kind.types)


def _event_id(update: dict[str, Any], data: Any, number: str) -> str:
    """The notification's id, within its shop: the only guard against replays. Without one its content stands for it."""
    shop, own_id = identifier(update.get("shop_id")), identifier(update.get("tts_notification_id"))
    if own_id:
        return stable_id("tiktok-shop", shop, own_id)
    return stable_id(
        "tiktok-shop", shop, "content", number, identifier(update.get("timestamp")), digest(data)
    )
