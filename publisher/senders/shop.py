"""TikTok Shop: what happens to orders, and to what is sold."""

from typing import Any

import msgspec

from publisher.senders.draft import Draft, Made, Mixture
from publisher.senders.single import Manner
from publisher.senders.update import Expected

_STATUSES = {
    "UNPAID": "unpaid",
    "ON_HOLD": "on_hold",
    "AWAITING_SHIPMENT": "awaiting_shipment",
    "AWAITING_COLLECTION": "awaiting_collection",
    "IN_TRANSIT": "in_transit",
    "DELIVERED": "delivered",
    "COMPLETED": "completed",
    "CANCEL": "cancelled",
}


def order(draft: Draft) -> Made:
    """It names no amount."""
    status = draft.choose(tuple(_STATUSES))
    data = {"is_on_hold_order": False, "order_id": draft.number(18), "order_status": status}
    return _made(draft, 1, data, f"shop.order.{_STATUSES[status]}")


def order_in_a_new_status(draft: Draft) -> Made:
    """A status of which no documentation tells."""
    data = {"order_id": draft.number(18), "order_status": "TELEPORTED"}
    return _made(draft, 1, data, "unknown.shop.order.teleported")


def cancellation(draft: Draft) -> Made:
    data = {
        "order_id": draft.number(18),
        "cancellations_role": "BUYER",
        "cancel_status": "CANCELLATION_REQUEST_PENDING",
        "cancel_id": draft.number(19),
    }
    return _made(draft, 11, data, "shop.cancellation")


def item_return(draft: Draft) -> Made:
    data = {
        "order_id": draft.number(18),
        "return_role": "BUYER",
        "return_type": "REFUND",
        "return_status": "RETURN_OR_REFUND_REQUEST_PENDING",
        "return_id": draft.number(19),
    }
    return _made(draft, 12, data, "shop.return")


def refund(draft: Draft) -> Made:
    """Money that goes back: no revenue."""
    data = {
        "aftersales_request_id": draft.number(19),
        "refund_status": "REFUND_SUCCESS",
        "refund_currency": draft.currency(),
        "refund_total": str(draft.amount()),
        "refund_timestamp": draft.seconds,
    }
    return _made(draft, 67, data, "shop.refund", time="")


def package(draft: Draft) -> Made:
    packages = [{"package_id": draft.number(19), "order_id_list": [draft.number(18)]}]
    data = {"sc_type": "COMBINE", "role_type": "ROLE_USER", "package_list": packages}
    return _made(draft, 4, data, "shop.package")


def product(draft: Draft) -> Made:
    data = {"product_id": int(draft.number(19)), "status": "PRODUCT_AUDIT_FAILURE"}
    return _made(draft, 5, data, "shop.product.status", "top")


def stock(draft: Draft) -> Made:
    data = {
        "product_id": draft.number(19),
        "sku_id": draft.number(19),
        "current_inventory_status": "LOW_STOCK",
    }
    return _made(draft, 27, data, "shop.inventory", "top")


def message(draft: Draft) -> Made:
    """Its text is JSON once more, written into a string."""
    buyer, _ = draft.person()
    data = {
        "message_id": draft.number(19),
        "conversation_id": draft.number(19),
        "type": "TEXT",
        "content": msgspec.json.encode({"content": draft.text()}).decode(),
        "sender": {"role": "BUYER", "im_user_id": buyer},
    }
    return _made(draft, 14, data, "shop.message", time="create_time", user=buyer)


def aftersales(draft: Draft) -> Made:
    """A number of which no documentation tells."""
    return _made(draft, 64, {"aftersales_request_id": draft.number(19)}, "unknown.64", "top", time="")


def _made(
    draft: Draft,
    number: int,
    data: dict[str, Any],
    event_type: str,
    stage: str = "bottom",
    *,
    time: str = "update_time",
    user: str | None = None,
) -> Made:
    notification = {
        "type": number,
        "tts_notification_id": draft.token,
        "shop_id": "7495540735365777507",
        "timestamp": draft.seconds,
        "data": {**data, time: draft.seconds} if time else data,
    }
    expected = Expected(event_type=event_type, stage=stage, user=user, at_ms=draft.whole_ms)
    return Made(notification, expected)


MANNER = Manner(
    name="tiktok-shop",
    kinds=Mixture(
        {
            order: 60,
            cancellation: 6,
            item_return: 5,
            refund: 5,
            package: 6,
            product: 4,
            stock: 5,
            message: 9,
        },
        (aftersales, order_in_a_new_status),
    ),
    flavours=("text", "time", "type"),
    body=msgspec.json.encode,
)
