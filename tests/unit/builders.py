"""Events and batches to test with: good ones, and what is changed about them."""

import copy
import json
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from pipeline.events.batch import RecordBatch

Document = dict[str, Any]

NOW: Final = datetime(2026, 5, 14, 12, 0, tzinfo=UTC)
"""What the tests take for the time of arrival."""

MISSING: Final = object()
"""As a new value: the field is not there."""

_FACEBOOK_USER: Final[Document] = {
    "userId": "u-17",
    "name": "Ada Example",
    "age": 34,
    "gender": "female",
    "location": {"country": "Portugal", "city": "Porto"},
}
_TIKTOK_USER: Final[Document] = {"userId": "u-18", "username": "ada", "followers": 1500}
_ENGAGEMENT: Final[dict[tuple[str, str], Document]] = {
    ("facebook", "top"): {
        "actionTime": "2026-05-14T10:46:27.000Z",
        "referrer": "newsfeed",
        "videoId": "vid-12345678",
    },
    ("facebook", "bottom"): {
        "adId": "ad-1",
        "campaignId": "camp-7h2k9",
        "clickPosition": "center",
        "device": "mobile",
        "browser": "Firefox",
        "purchaseAmount": "49.90",
    },
    ("tiktok", "top"): {
        "watchTime": 12.5,
        "percentageWatched": 80,
        "device": "iOS",
        "country": "Portugal",
        "videoId": "vid-12345678",
    },
    ("tiktok", "bottom"): {
        "actionTime": "2026-05-14T10:46:27.000Z",
        "profileId": "profile-1",
        "purchasedItem": "item-1",
        "purchaseAmount": "19.95",
    },
}
_EVENT_TYPE: Final = {
    ("facebook", "top"): "ad.view",
    ("facebook", "bottom"): "checkout.complete",
    ("tiktok", "top"): "like",
    ("tiktok", "bottom"): "purchase",
}
KINDS: Final = tuple(_EVENT_TYPE)
"""Every (source, stage)."""


def good_event(source: str = "facebook", stage: str = "top", **fields: Any) -> Document:
    """A valid event; `fields` replace top-level ones."""
    return {
        "eventId": "fb-7f1c3e5a" if source == "facebook" else "ttk-7f1c3e5a",
        "timestamp": "2026-05-14T10:46:28.214Z",
        "source": source,
        "funnelStage": stage,
        "eventType": _EVENT_TYPE[source, stage],
        "data": {
            "user": copy.deepcopy(_FACEBOOK_USER if source == "facebook" else _TIKTOK_USER),
            "engagement": copy.deepcopy(_ENGAGEMENT[source, stage]),
        },
        **fields,
    }


def changed(event: Document, path: str, value: Any) -> Document:
    """A copy of the event with another value at a path such as `$.data.user.age`; MISSING takes it away."""
    changed_event = copy.deepcopy(event)
    *parents, last = path.removeprefix("$.").split(".")
    target = changed_event
    for parent in parents:
        target = target[parent]
    if value is MISSING:
        del target[last]
    else:
        target[last] = value
    return changed_event


def as_json(event: object) -> bytes:
    """Compact JSON, as senders write it. Python's own encoder: it writes what msgspec would refuse to."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def facebook_events(count: int, prefix: str = "fb") -> list[Document]:
    """Valid events with the ids `fb-0`, `fb-1` and so on."""
    return [good_event(eventId=f"{prefix}-{number}") for number in range(count)]


def record_batch(
    events: list[Document | bytes],
    *,
    source: str = "facebook",
    format_name: str = "facebook.event.v1",
    correlation: str = "request-1",
) -> RecordBatch:
    """The events as the gateway publishes them."""
    raws = [msgspec.Raw(event if isinstance(event, bytes) else as_json(event)) for event in events]
    return RecordBatch(source, format_name, raws, NOW, [(correlation, len(raws))])
