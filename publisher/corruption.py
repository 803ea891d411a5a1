"""The corruption matrix of EVENTS §2: eight branches, each in a Facebook and a TikTok flavour.

The flavour is drawn independently of the event's source, so that some corrupted events are still valid: a
TikTok event without `data.user.name` lacks nothing. Whether one is, follows from EVENTS §1 alone; the
collectors' schema is deliberately not asked, because the checker must be able to find it wrong. A field
"string or null" must be there.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from publisher.batch import GeneratedEvent

FLAVOURS = ("facebook", "tiktok")

Document = dict[str, Any]


class Branch(NamedTuple):
    """`apply` damages the decoded event in place; `still_valid` tells whether EVENTS §1 lets it pass
    then."""

    name: str
    apply: Callable[[Document, str], None]
    still_valid: Callable[[GeneratedEvent, str], bool]


class Corrupted(msgspec.Struct, frozen=True):
    """A corrupted event and what must become of it.

    `raw` is its JSON, `event` the event that it was before.
    """

    raw: bytes
    event: GeneratedEvent
    branch: str
    flavour: str
    still_valid: bool

    @property
    def has_id(self) -> bool:
        return self.branch != "no_event_id"


def corrupt(event: GeneratedEvent, branch: Branch, flavour: str) -> Corrupted:
    """The event, damaged in the way of one branch and flavour."""
    document = msgspec.json.decode(event.raw, type=Document)
    branch.apply(document, flavour)
    raw = msgspec.json.encode(document)
    return Corrupted(raw, event, branch.name, flavour, branch.still_valid(event, flavour))


def corrupt_at_random(event: GeneratedEvent, rng: random.Random) -> Corrupted:
    """Branch and flavour drawn uniformly and independently."""
    return corrupt(event, rng.choice(BRANCHES), rng.choice(FLAVOURS))


def _never(_event: GeneratedEvent, _flavour: str) -> bool:
    return False


def _if_foreign(event: GeneratedEvent, flavour: str) -> bool:
    """The damaged field belongs to the flavour's source, and events of the other source do not have it."""
    return event.source != flavour


def _engagement_still_valid(event: GeneratedEvent, flavour: str) -> bool:
    # Only a purchase has an item that could be taken away.
    without_item = (event.source, event.funnel_stage) == (
        "tiktok",
        "bottom",
    ) and event.event_type != "purchase"
    return event.source != flavour or without_item


def _bad_timestamp(event: Document, _flavour: str) -> None:
    event["timestamp"] = "invalid-timestamp"


def _no_event_id(event: Document, _flavour: str) -> None:
    del event["eventId"]


def _no_user_name(event: Document, flavour: str) -> None:
    event["data"]["user"].pop("name" if flavour == "facebook" else "username", None)


def _no_user(event: Document, _flavour: str) -> None:
    del event["data"]["user"]


def _bad_stage(event: Document, _flavour: str) -> None:
    event["funnelStage"] = "invalid-stage"


def _bad_type(event: Document, _flavour: str) -> None:
    event["eventType"] = ["unknown", "event"]


def _bad_engagement(event: Document, flavour: str) -> None:
    engagement = event["data"]["engagement"]
    if event["funnelStage"] == "top":
        engagement["actionTime" if flavour == "facebook" else "watchTime"] = -1
    elif flavour == "facebook":
        engagement.pop("adId", None)
    elif engagement.get("purchasedItem") is not None:
        del engagement["purchasedItem"]


def _bad_user(event: Document, flavour: str) -> None:
    if flavour == "facebook":
        event["data"]["user"]["gender"] = "alien"
    else:
        event["data"]["user"]["followers"] = "not-a-number"


BRANCHES = (
    Branch("bad_timestamp", _bad_timestamp, _never),
    Branch("no_event_id", _no_event_id, _never),
    Branch("no_user_name", _no_user_name, _if_foreign),
    Branch("no_user", _no_user, _never),
    Branch("bad_stage", _bad_stage, _never),
    Branch("bad_type", _bad_type, _never),
    Branch("bad_engagement", _bad_engagement, _engagement_still_valid),
    Branch("bad_user", _bad_user, _if_foreign),
)
