"""The Conversions API's events: what a shop reports, purchases with their amounts among them."""

from decimal import Decimal
from typing import Any

from publisher.senders.draft import Draft, Made
from publisher.senders.update import Expected

_NAMES = {
    "PageView": ("top", "conversion.page_view"),
    "ViewContent": ("top", "conversion.view_content"),
    "Search": ("top", "conversion.search"),
    "AddToCart": ("bottom", "conversion.add_to_cart"),
    "InitiateCheckout": ("bottom", "conversion.initiate_checkout"),
    "Lead": ("bottom", "conversion.lead"),
    "CompleteRegistration": ("bottom", "conversion.complete_registration"),
    "Subscribe": ("bottom", "conversion.subscribe"),
}


def visit(draft: Draft) -> Made:
    """Anything but a purchase; what it is said to be worth is no revenue."""
    name = draft.choose(tuple(_NAMES))
    stage, event_type = _NAMES[name]
    user = draft.hashed()
    event = _event(draft, name, user)
    if stage == "bottom":
        event["custom_data"] = {"value": float(draft.amount()), "currency": draft.currency()}
    return Made(event, Expected(event_type=event_type, stage=stage, user=user, at_ms=draft.whole_ms))


def purchase(draft: Draft) -> Made:
    """Shops write values as numbers and as strings, currencies in capitals and not."""
    user, amount, currency = draft.hashed(), draft.amount(), draft.currency()
    custom: dict[str, Any] = {
        "value": _written(draft, amount),
        "currency": currency if draft.chance(0.7) else currency.lower(),
        "order_id": draft.number(8),
        "contents": [{"id": draft.number(7), "quantity": 1, "item_price": float(amount)}],
    }
    return Made(
        _event(draft, "Purchase", user) | {"custom_data": custom},
        Expected(
            event_type="conversion.purchase",
            stage="bottom",
            user=user,
            amount=amount,
            currency=currency,
            at_ms=draft.whole_ms,
        ),
    )


def own_event(draft: Draft) -> Made:
    """A name that the shop made up."""
    event = _event(draft, "Bought_A_Round", draft.hashed())
    return Made(event, Expected(event_type="unknown.bought_a_round", at_ms=draft.whole_ms))


def _event(draft: Draft, name: str, user: str) -> dict[str, Any]:
    return {
        "event_name": name,
        "event_time": draft.seconds,
        "event_id": f"order.{draft.token}",
        "action_source": draft.choose(("website", "app", "physical_store")),
        "event_source_url": "https://shop.example.com/checkout/thanks",
        "user_data": {"em": [user], "client_ip_address": "203.0.113.7", "client_user_agent": "Mozilla/5.0"},
    }


def _written(draft: Draft, amount: Decimal) -> float | str:
    return float(amount) if draft.chance(0.5) else str(amount)
