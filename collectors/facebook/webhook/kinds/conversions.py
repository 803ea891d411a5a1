"""The Conversions API's events: what happened on a shop's site, in its app or at its counter."""

from typing import Any

from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.values import at, currency, identifier, items, moment, money

TOP = {
    "PageView": "conversion.page_view",
    "ViewContent": "conversion.view_content",
    "Search": "conversion.search",
    "FindLocation": "conversion.find_location",
    "CustomizeProduct": "conversion.customize_product",
}

BOTTOM = {
    "AddToCart": "conversion.add_to_cart",
    "AddToWishlist": "conversion.add_to_wishlist",
    "InitiateCheckout": "conversion.initiate_checkout",
    "AddPaymentInfo": "conversion.add_payment_info",
    "Purchase": "conversion.purchase",
    "Lead": "conversion.lead",
    "CompleteRegistration": "conversion.complete_registration",
    "Contact": "conversion.contact",
    "Schedule": "conversion.schedule",
    "SubmitApplication": "conversion.submit_application",
    "StartTrial": "conversion.start_trial",
    "Subscribe": "conversion.subscribe",
    "Donate": "conversion.donate",
}


def conversion(update: Update) -> Facts:
    """Only a purchase is a transaction: what a lead or a cart is worth is the sender's guess.

    Meta itself tells conversions apart by name and `event_id`; the name is the update's field.
    """
    value = update.value
    event_id = identifier(at(value, "event_id"))
    amount = code = None
    if update.field == "Purchase":
        path = f"{update.path}.custom_data"
        amount = money(at(value, "custom_data", "value"), f"{path}.value")
        code = (
            currency(at(value, "custom_data", "currency"), f"{path}.currency") if amount is not None else None
        )
    return Facts(
        identity=(event_id,) if event_id else None,
        time=moment(at(value, "event_time"), f"{update.path}.event_time"),
        user=_visitor(at(value, "user_data")),
        amount=amount,
        currency=code,
    )


def _visitor(user_data: Any) -> str:
    """The first that is there: the shop's own id of a person, hash of the address, of the number, the browser's id."""
    for name in ("external_id", "em", "ph", "fbp"):
        written = at(user_data, name)
        for candidate in items(written) or [written]:
            if found := identifier(candidate):
                return found
    return ""
