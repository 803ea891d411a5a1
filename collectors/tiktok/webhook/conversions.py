"""The Events API: what a shop's own site or app reports to TikTok, revenue included.

`{"event_source":…,"event_source_id":…,"data":[one event]}`; a body with several is cut before it gets here. A kind that
is new is a row of `KINDS`.
"""

from collections.abc import Mapping
from typing import Any

from collectors.tiktok.webhook.native import NativeEvent, required_moment, unknown
from pipeline.events.identity import stable_id
from pipeline.events.reasons import Reason, Rejected
from pipeline.events.values import at, currency, digest, identifier, items, money, text

PURCHASE = "conversion.purchase"

KINDS: Mapping[str, tuple[str, str]] = {
    "Pageview": ("top", "conversion.page_view"),
    "ViewContent": ("top", "conversion.view_content"),
    "ClickButton": ("top", "conversion.click_button"),
    "Search": ("top", "conversion.search"),
    "FindLocation": ("top", "conversion.find_location"),
    "CustomizeProduct": ("top", "conversion.customize_product"),
    "Download": ("top", "conversion.download"),
    "AddToCart": ("bottom", "conversion.add_to_cart"),
    "AddToWishlist": ("bottom", "conversion.add_to_wishlist"),
    "InitiateCheckout": ("bottom", "conversion.initiate_checkout"),
    "AddPaymentInfo": ("bottom", "conversion.add_payment_info"),
    "PlaceAnOrder": ("bottom", "conversion.place_an_order"),
    "Purchase": ("bottom", PURCHASE),
    "CompletePayment": ("bottom", PURCHASE),  # its older name
    "CompleteRegistration": ("bottom", "conversion.complete_registration"),
    "Subscribe": ("bottom", "conversion.subscribe"),
    "StartTrial": ("bottom", "conversion.start_trial"),
    "SubmitForm": ("bottom", "conversion.submit_form"),
    "Lead": ("bottom", "conversion.lead"),
    "Contact": ("bottom", "conversion.contact"),
    "Schedule": ("bottom", "conversion.schedule"),
    "SubmitApplication": ("bottom", "conversion.submit_application"),
    "ApplicationApproval": ("bottom", "conversion.application_approval"),
}
"""Funnel stage and event type by TikTok's name of the event."""

_EVENT = "$.data[0]"


def map_conversion(update: dict[str, Any]) -> NativeEvent:
    """Raises Rejected when there is no event, no time, or a purchase whose money nobody can read.

    The value of anything but a purchase is what TikTok's advertiser thinks it is worth, and no revenue.
    """
    found = items(update.get("data"))
    event: Any = found[0] if len(found) == 1 else None
    name = text(at(event, "event"))
    if not name:
        raise Rejected(Reason.SCHEMA_VIOLATION, f"{_EVENT}.event", "expected one event with a name")
    stage, event_type = KINDS.get(name) or ("top", unknown(name))
    amount = code = None
    if event_type == PURCHASE:
        amount = money(at(event, "properties", "value"), f"{_EVENT}.properties.value")
        if amount is not None:
            code = currency(at(event, "properties", "currency"), f"{_EVENT}.properties.currency")
    return NativeEvent(
        event_id=_event_id(update, event, event_type),
        timestamp=required_moment(at(event, "event_time"), f"{_EVENT}.event_time"),
        funnel_stage=stage,
        event_type=event_type,
        user_id=_user(at(event, "user")),
        amount=amount,
        currency=code,
    )


def _event_id(update: dict[str, Any], event: Any, event_type: str) -> str:
    """TikTok's own rule: the same event with the same `event_id`, of one pixel or app; without an id, its content.

    Our event type stands for the event, so that a purchase that is sent under its old and its new name is one.
    """
    sender = (identifier(update.get("event_source")), identifier(update.get("event_source_id")))
    own_id = identifier(at(event, "event_id"))
    identity = ("id", own_id) if own_id else ("content", digest(event))
    return stable_id("tiktok-conversion", *sender, event_type, *identity)


def _user(user: Any) -> str | None:
    """The first of the shop's own id, the e-mail's and the phone's hash; several of a kind come as an array."""
    for name in ("external_id", "email", "phone"):
        value = at(user, name)
        for candidate in items(value) or [value]:
            if found := identifier(candidate):
                return found
    return None
