"""EVENTS §1 as a plain check, written from the text of the format and from nothing else."""

import re
from datetime import datetime
from typing import Any

TYPES = {
    ("facebook", "top"): {"ad.view", "page.like", "comment", "video.view"},
    ("facebook", "bottom"): {"ad.click", "form.submission", "checkout.complete"},
    ("tiktok", "top"): {"video.view", "like", "share", "comment"},
    ("tiktok", "bottom"): {"profile.visit", "purchase", "follow"},
}
TRANSACTIONS = {"checkout.complete", "purchase"}
_MONEY = re.compile(r"\d+(\.\d+)?")


def is_valid(event: dict[str, Any]) -> bool:
    """Whether a decoded event obeys the format."""
    try:
        return all(_checks(event))
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def _checks(event: dict[str, Any]):
    kind = (event["source"], event["funnelStage"])
    yield isinstance(event["eventId"], str) and 1 <= len(event["eventId"]) <= 128
    yield datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    yield event["eventType"] in TYPES[kind]
    user, engagement = event["data"]["user"], event["data"]["engagement"]
    yield isinstance(user["userId"], str)
    if kind[0] == "facebook":
        yield isinstance(user["name"], str)
        yield type(user["age"]) is int and 0 <= user["age"] <= 150
        yield user["gender"] in {"male", "female", "non-binary"}
        yield isinstance(user["location"]["country"], str) and isinstance(user["location"]["city"], str)
    else:
        yield isinstance(user["username"], str)
        yield type(user["followers"]) is int and user["followers"] >= 0
    if kind == ("facebook", "top"):
        yield datetime.fromisoformat(engagement["actionTime"]).tzinfo is not None
        yield engagement["referrer"] in {"newsfeed", "marketplace", "groups"}
        yield _text_or_null(engagement["videoId"])
    elif kind == ("facebook", "bottom"):
        yield isinstance(engagement["adId"], str) and isinstance(engagement["campaignId"], str)
        yield engagement["clickPosition"] in {"top_left", "bottom_right", "center"}
        yield engagement["device"] in {"mobile", "desktop"}
        yield engagement["browser"] in {"Chrome", "Firefox", "Safari"}
        yield _money_or_null(engagement["purchaseAmount"])
    elif kind == ("tiktok", "top"):
        yield engagement["watchTime"] >= 0
        yield 0 <= engagement["percentageWatched"] <= 100
        yield engagement["device"] in {"Android", "iOS", "Desktop"}
        yield isinstance(engagement["country"], str) and isinstance(engagement["videoId"], str)
    else:
        yield datetime.fromisoformat(engagement["actionTime"]).tzinfo is not None
        yield _text_or_null(engagement["profileId"]) and _text_or_null(engagement["purchasedItem"])
        yield _money_or_null(engagement["purchaseAmount"])


def _text_or_null(value: object) -> bool:
    return value is None or isinstance(value, str)


def _money_or_null(value: object) -> bool:
    return value is None or (isinstance(value, str) and _MONEY.fullmatch(value) is not None)
