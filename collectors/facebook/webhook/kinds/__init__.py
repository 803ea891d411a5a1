"""Every kind of update that is known: one row here and one function beside it. What fits no row is stored as unknown.

A row is found by object, field, item and verb; an empty item or verb stands for any. For messages the item is the
member that is there (`message`, `postback`, …); for WhatsApp it is the list, and the verb the message's type or the
status; for the Conversions API the field is the event's name. The stage is `bottom` where somebody turns to the
business of their own accord (writes to it, asks to be contacted, orders, buys), `top` for all else.
"""

from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from collectors.facebook.webhook.kinds.ads import ads_object
from collectors.facebook.webhook.kinds.conversions import BOTTOM, TOP, conversion
from collectors.facebook.webhook.kinds.feed import comment, like, post, reaction
from collectors.facebook.webhook.kinds.instagram import instagram_comment, instagram_mention, story_insights
from collectors.facebook.webhook.kinds.messaging import (
    edited_message,
    message,
    message_reaction,
    notice,
    receipt,
)
from collectors.facebook.webhook.kinds.page import lead, mention, rating
from collectors.facebook.webhook.kinds.unknown import changed_field, unknown
from collectors.facebook.webhook.kinds.whatsapp import whatsapp_message, whatsapp_order, whatsapp_status
from collectors.facebook.webhook.update import CONVERSIONS, WHATSAPP, Facts, Update


class Kind(NamedTuple):
    """One row of the table."""

    object: str
    field: str
    item: str
    verb: str
    event_type: str
    stage: str
    map: Callable[[Update], Facts]


_POSTS = ("status", "photo", "video", "link", "post", "album")
_CHATS = (("page", "messenger"), ("instagram", "instagram"))

KINDS: tuple[Kind, ...] = (
    Kind("page", "feed", "comment", "add", "feed.comment.add", "top", comment),
    Kind("page", "feed", "comment", "edited", "feed.comment.edited", "top", comment),
    Kind("page", "feed", "comment", "remove", "feed.comment.remove", "top", comment),
    Kind("page", "feed", "comment", "hide", "feed.comment.hide", "top", comment),
    Kind("page", "feed", "comment", "unhide", "feed.comment.unhide", "top", comment),
    Kind("page", "feed", "reaction", "add", "feed.reaction.add", "top", reaction),
    Kind("page", "feed", "reaction", "edit", "feed.reaction.edit", "top", reaction),
    Kind("page", "feed", "reaction", "remove", "feed.reaction.remove", "top", reaction),
    Kind("page", "feed", "like", "add", "feed.like.add", "top", like),
    Kind("page", "feed", "like", "remove", "feed.like.remove", "top", like),
    Kind("page", "feed", "share", "add", "feed.share.add", "top", post),
    Kind("page", "feed", "share", "edited", "feed.share.edited", "top", post),
    Kind("page", "feed", "share", "remove", "feed.share.remove", "top", post),
    *(Kind("page", "feed", item, "add", "feed.post.add", "top", post) for item in _POSTS),
    *(Kind("page", "feed", item, "edited", "feed.post.edited", "top", post) for item in _POSTS),
    *(Kind("page", "feed", item, "remove", "feed.post.remove", "top", post) for item in _POSTS),
    *(Kind("page", "feed", item, "hide", "feed.post.hide", "top", post) for item in _POSTS),
    *(Kind("page", "feed", item, "unhide", "feed.post.unhide", "top", post) for item in _POSTS),
    Kind("page", "mention", "", "", "page.mention", "top", mention),
    Kind("page", "ratings", "", "", "page.rating", "top", rating),
    Kind("page", "leadgen", "", "", "lead", "bottom", lead),
    *(
        Kind(chat, field, item, verb, f"{name}.{event_type}", stage, mapping)
        for chat, name in _CHATS
        for field in ("messaging", "standby")
        for item, verb, event_type, stage, mapping in (
            ("message", "", "message", "bottom", message),
            ("message", "is_echo", "echo", "top", message),
            ("message", "is_deleted", "message.deleted", "top", message),
            ("message_edit", "", "message.edited", "bottom", edited_message),
            ("postback", "", "postback", "bottom", message),
            ("referral", "", "referral", "bottom", notice),
            ("optin", "", "optin", "bottom", notice),
            ("reaction", "react", "reaction.react", "top", message_reaction),
            ("reaction", "unreact", "reaction.unreact", "top", message_reaction),
            ("read", "", "read", "top", receipt),
            ("delivery", "", "delivery", "top", receipt),
        )
    ),
    Kind("instagram", "comments", "", "", "instagram.comment", "top", instagram_comment),
    Kind("instagram", "live_comments", "", "", "instagram.live_comment", "top", instagram_comment),
    Kind("instagram", "mentions", "", "", "instagram.mention", "top", instagram_mention),
    Kind("instagram", "story_insights", "", "", "instagram.story_insights", "top", story_insights),
    Kind(WHATSAPP, "messages", "messages", "", "whatsapp.message", "bottom", whatsapp_message),
    Kind(WHATSAPP, "messages", "messages", "reaction", "whatsapp.reaction", "top", whatsapp_message),
    Kind(WHATSAPP, "messages", "messages", "order", "whatsapp.order", "bottom", whatsapp_order),
    Kind(WHATSAPP, "messages", "statuses", "sent", "whatsapp.status.sent", "top", whatsapp_status),
    Kind(WHATSAPP, "messages", "statuses", "delivered", "whatsapp.status.delivered", "top", whatsapp_status),
    Kind(WHATSAPP, "messages", "statuses", "read", "whatsapp.status.read", "top", whatsapp_status),
    Kind(WHATSAPP, "messages", "statuses", "failed", "whatsapp.status.failed", "top", whatsapp_status),
    Kind("ad_account", "with_issues_ad_objects", "", "", "ads.with_issues", "top", ads_object),
    Kind("ad_account", "in_process_ad_objects", "", "", "ads.in_process", "top", ads_object),
    Kind("ad_account", "creative_fatigue", "", "", "ads.creative_fatigue", "top", ads_object),
    Kind("ad_account", "field_changed", "", "", "ads.field_changed", "top", ads_object),
    Kind("ad_account", "subscriptions", "", "", "ads.subscription", "top", ads_object),
    *(Kind(CONVERSIONS, name, "", "", event_type, "top", conversion) for name, event_type in TOP.items()),
    *(
        Kind(CONVERSIONS, name, "", "", event_type, "bottom", conversion)
        for name, event_type in BOTTOM.items()
    ),
)

CHANGED_FIELD = Kind("", "", "changed_field", "", "field.changed", "top", changed_field)
"""Of any object and any field: Meta tells which field changed and nothing else."""

_UNKNOWN = Kind("", "", "", "", "", "top", unknown)
_TABLE = {(kind.object, kind.field, kind.item, kind.verb): kind for kind in KINDS}


def event_types(stage: str) -> tuple[str, ...]:
    """The event types of one stage, each once, in the order of the table."""
    return tuple(
        dict.fromkeys(kind.event_type for kind in chain(KINDS, (CHANGED_FIELD,)) if kind.stage == stage)
    )


def kind_of(update: Update) -> Kind:
    """The row that an update belongs to; one without an event type for what is unknown."""
    if update.item == CHANGED_FIELD.item and update.value is None:
        return CHANGED_FIELD
    about = update.object, update.field
    return (
        _TABLE.get((*about, update.item, update.verb))
        or _TABLE.get((*about, update.item, ""))
        or _TABLE.get((*about, "", ""))
        or _UNKNOWN
    )
