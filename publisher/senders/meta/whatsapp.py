"""WhatsApp Business: messages, orders with their prices, and what became of messages that were sent.

What is made here is one message or one status; the envelope puts those of a number together.
"""

from decimal import Decimal
from typing import Any

from publisher.senders.draft import Draft, Made
from publisher.senders.update import Expected


def text_message(draft: Draft) -> Made:
    content = {"type": "text", "text": {"body": draft.text()}}
    return _message(draft, content, "whatsapp.message", "bottom")


def reaction(draft: Draft) -> Made:
    content = {"type": "reaction", "reaction": {"message_id": "wamid.HBgL", "emoji": "\U0001f44d"}}
    return _message(draft, content, "whatsapp.reaction", "top")


def order(draft: Draft) -> Made:
    """Its sum is nowhere in it."""
    currency, total = draft.currency(), Decimal()
    products: list[dict[str, Any]] = []
    for _ in range(draft.rng.randint(1, 4)):
        price, quantity = draft.amount(), draft.rng.randint(1, 3)
        total += price * quantity
        product: dict[str, Any] = {"product_retailer_id": draft.number(10), "quantity": quantity}
        products.append(product | {"item_price": float(price), "currency": currency})
    content = {"type": "order", "order": {"catalog_id": draft.number(15), "product_items": products}}
    return _message(draft, content, "whatsapp.order", "bottom", total, currency)


def status(draft: Draft) -> Made:
    state = draft.choose(("sent", "delivered", "read", "failed"))
    recipient, _ = draft.person()
    content = {
        "id": f"wamid.{draft.token}",
        "status": state,
        "timestamp": str(draft.seconds),
        "recipient_id": recipient,
    }
    return Made(
        content, Expected(event_type=f"whatsapp.status.{state}", user=recipient, at_ms=draft.whole_ms)
    )


def _message(
    draft: Draft,
    content: dict[str, Any],
    event_type: str,
    stage: str,
    amount: Decimal | None = None,
    currency: str | None = None,
) -> Made:
    sender, _ = draft.person()
    message = {"from": sender, "id": f"wamid.{draft.token}", "timestamp": str(draft.seconds), **content}
    return Made(
        message,
        Expected(
            event_type=event_type,
            stage=stage,
            user=sender,
            amount=amount,
            currency=currency,
            at_ms=draft.whole_ms,
        ),
    )
