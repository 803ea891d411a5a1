"""Messenger and Instagram messages. Their times are in milliseconds, an id (`mid`) belongs to one message."""

from datetime import datetime

from collectors.facebook.webhook.update import Facts, Update
from pipeline.events.values import at, identifier, moment


def message(update: Update) -> Facts:
    """A message of a person, its echo when the business wrote it, its deletion, or a button that was pressed."""
    mid = identifier(at(update.value, update.item, "mid"))
    return Facts((update.item, update.verb, mid) if mid else None, _sent(update), _person(update))


def edited_message(update: Update) -> Facts:
    """The message's id stays, the number of edits grows."""
    mid = identifier(at(update.value, update.item, "mid"))
    edits = identifier(at(update.value, update.item, "num_edit")) or identifier(at(update.value, "timestamp"))
    return Facts((update.item, mid, edits) if mid else None, _sent(update), _person(update))


def message_reaction(update: Update) -> Facts:
    """Somebody may react, think better of it and react again, so the time is part of it."""
    mid = identifier(at(update.value, update.item, "mid"))
    parts = (update.item, mid, update.verb, _person(update), identifier(at(update.value, "timestamp")))
    return Facts(parts if mid else None, _sent(update), _person(update))


def receipt(update: Update) -> Facts:
    """Read or delivered: one message (`mid`), or everything up to a time (`watermark`)."""
    receipt_of = at(update.value, update.item)
    seen = identifier(at(receipt_of, "mid")), identifier(at(receipt_of, "watermark"))
    user = _person(update)
    time = _sent(update) or moment(at(receipt_of, "watermark"), f"{update.path}.{update.item}.watermark")
    return Facts((update.item, user, *seen) if any(seen) else None, time, user)


def notice(update: Update) -> Facts:
    """Somebody came by a link or an ad, or agreed to be written to: no id, so its content tells it."""
    return Facts(None, _sent(update), _person(update))


def _sent(update: Update) -> datetime | None:
    return moment(at(update.value, "timestamp"), f"{update.path}.timestamp")


def _person(update: Update) -> str:
    """Who did it. Of an echo that is the business; the person is the one it wrote to."""
    role = "recipient" if update.verb == "is_echo" else "sender"
    return identifier(at(update.value, role, "id"))
