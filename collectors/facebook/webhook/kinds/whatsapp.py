"""WhatsApp Business: messages, orders from a catalogue, and what became of messages that were sent."""

from datetime import datetime
from decimal import Context, Decimal

from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.values import at, currency, identifier, items, moment, money

_EXACT = Context(prec=200)
"""Prices and quantities have at most 45 digits each."""


def whatsapp_message(update: Update) -> Facts:
    """Text, picture, place, button, reaction …: the payload tells which."""
    message_id = identifier(at(update.value, "id"))
    parts = (update.item, message_id)
    return Facts(parts if message_id else None, _sent(update), identifier(at(update.value, "from")))


def whatsapp_order(update: Update) -> Facts:
    """An order is a transaction when every item tells its price and all prices are in one currency."""
    facts = whatsapp_message(update)
    amount, code = _total(update)
    return Facts(facts.identity, facts.time, facts.user, amount, code)


def whatsapp_status(update: Update) -> Facts:
    """A message of the business was sent, delivered, read, or failed."""
    value = update.value
    message_id = identifier(at(value, "id"))
    parts = (update.item, message_id, update.verb, identifier(at(value, "timestamp")))
    return Facts(parts if message_id else None, _sent(update), identifier(at(value, "recipient_id")))


def _sent(update: Update) -> datetime | None:
    return moment(at(update.value, "timestamp"), f"{update.path}.timestamp")


def _total(update: Update) -> tuple[Decimal | None, str | None]:
    total = Decimal(0)
    codes: set[str | None] = set()
    for index, product in enumerate(items(at(update.value, "order", "product_items"))):
        path = f"{update.path}.order.product_items[{index}]"
        price = money(at(product, "item_price"), f"{path}.item_price")
        quantity = money(at(product, "quantity"), f"{path}.quantity")
        codes.add(currency(at(product, "currency"), f"{path}.currency"))
        if price is None or quantity is None:
            return None, None
        total = _EXACT.add(total, _EXACT.multiply(price, quantity))
    if len(codes) != 1 or None in codes:
        return None, None
    return money(format(total, "f"), f"{update.path}.order.product_items"), codes.pop()
