"""The table: which objects a delivery is about, and which updates of them come how often, in which shape."""

from typing import NamedTuple

from publisher.senders.draft import Mixture
from publisher.senders.meta import accounts, conversions, feed, instagram, page, whatsapp
from publisher.senders.meta.chats import chat_kinds, policy

CONVERSIONS = "conversions"
"""Not an object of Meta's: a body of the Conversions API has none."""


class Mix(NamedTuple):
    """One row. A delivery is about one `object`; `weight` of all deliveries, in `shape` where it has several."""

    object: str
    shapes: tuple[str, ...]
    weight: int
    kinds: Mixture


TABLE = (
    Mix(
        "page",
        ("changes",),
        40,
        Mixture(
            {
                feed.comment: 40,
                feed.reaction: 30,
                feed.like: 8,
                feed.post: 6,
                feed.share: 4,
                page.lead: 8,
                page.mention: 2,
                page.rating: 2,
            },
            (feed.page_event, page.live_video),
        ),
    ),
    Mix("page", ("messaging",), 16, Mixture(chat_kinds("messenger"), (policy,))),
    Mix("page", ("standby",), 3, Mixture(chat_kinds("messenger"), ())),
    Mix(
        "instagram",
        ("changes", "changes", "flat"),
        12,
        Mixture(
            {
                instagram.comment: 80,
                instagram.live_comment: 12,
                instagram.mention: 5,
                instagram.story_insights: 3,
            },
            (page.live_video,),
        ),
    ),
    Mix("instagram", ("messaging",), 6, Mixture(chat_kinds("instagram"), ())),
    Mix(
        "whatsapp_business_account",
        ("whatsapp",),
        8,
        Mixture(
            {
                whatsapp.text_message: 45,
                whatsapp.status: 40,
                whatsapp.order: 12,
                whatsapp.reaction: 3,
            },
            (),
        ),
    ),
    Mix(
        "ad_account",
        ("changes",),
        4,
        Mixture(
            {
                accounts.with_issues: 25,
                accounts.in_process: 30,
                accounts.creative_fatigue: 10,
                accounts.field_changed: 20,
                accounts.spend: 15,
            },
            (accounts.recommendation,),
        ),
    ),
    Mix("user", ("changed_fields",), 1, Mixture({accounts.changed_field: 1}, ())),
    Mix(
        CONVERSIONS,
        ("data",),
        10,
        Mixture({conversions.visit: 70, conversions.purchase: 30}, (conversions.own_event,)),
    ),
)
