"""What TikTok really delivers: its platforms for developers and for business, its shop, and the Events API's body.

1. `signature.py` believes a body or not, over its raw bytes.
2. `splitting.py` cuts a body into single updates. They stay in TikTok's own shape, and are stored as the payload.
3. `notifications.py`, `conversions.py` and `shop.py` hold the tables of what is known, and make of an update a
   `NativeEvent` (`native.py`), with an id that is the same however often TikTok sends it again.

docs/webhooks/tiktok.md has the same tables for people.
"""

from typing import Any

from collectors.tiktok.webhook import conversions, notifications, shop
from collectors.tiktok.webhook.native import NativeEvent, to_record
from collectors.tiktok.webhook.signature import (
    TikTokCredentials,
    TikTokShopCredentials,
    knows,
    knows_shop,
    verify,
    verify_shop,
)
from collectors.tiktok.webhook.splitting import split, split_shop
from pipeline.events.source import Format
from pipeline.events.values import read_object
from pipeline.events.webhook import Webhook


def _decode(raw: Any) -> NativeEvent:
    update = read_object(raw)
    is_conversion = "data" in update and "event" not in update
    return conversions.map_conversion(update) if is_conversion else notifications.map_notification(update)


def _decode_shop(raw: Any) -> NativeEvent:
    return shop.map_shop_notification(read_object(raw))


WEBHOOK_FORMAT = Format(name="tiktok.webhook.v1", decode=_decode, to_record=to_record)
SHOP_FORMAT = Format(name="tiktok-shop.webhook.v1", decode=_decode_shop, to_record=to_record)

WEBHOOK = Webhook(
    name="tiktok",
    format=WEBHOOK_FORMAT.name,
    credentials=TikTokCredentials,
    knows=knows,
    verify=verify,
    split=split,
)
SHOP_WEBHOOK = Webhook(
    name="tiktok-shop",
    format=SHOP_FORMAT.name,
    credentials=TikTokShopCredentials,
    knows=knows_shop,
    verify=verify_shop,
    split=split_shop,
    answers_empty=True,
)


def native_event_types(stage: str) -> tuple[str, ...]:
    """All event types of a funnel stage that the tables have."""
    notified = notifications.KINDS.values() if stage == notifications.STAGE else ()
    converted = (event_type for of, event_type in conversions.KINDS.values() if of == stage)
    return tuple(dict.fromkeys((*notified, *shop.event_types(stage), *converted)))
