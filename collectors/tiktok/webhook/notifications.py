"""What TikTok for Developers and TikTok for Business notify of: `client_key, event, create_time, user_openid, content`.

A kind that is new is a row of `KINDS`; docs/webhooks/tiktok.md has the same table for people.
"""

from collections.abc import Mapping
from typing import Any

from collectors.tiktok.webhook.native import NativeEvent, required_moment, required_text, unknown
from pipeline.events.identity import stable_id
from pipeline.events.values import digest, identifier

STAGE = "top"
"""Nothing of what is notified is a sale."""

KINDS: Mapping[str, str] = {
    "authorization.removed": "authorization.removed",
    "video.upload.failed": "video.upload.failed",
    "video.publish.completed": "video.publish.completed",
    "portability.download.ready": "portability.download.ready",
    "post.publish.failed": "post.publish.failed",
    "post.publish.complete": "post.publish.complete",
    "post.publish.inbox_delivered": "post.publish.inbox_delivered",
    "post.publish.publicly_available": "post.publish.publicly_available",
    # TikTok misspells its own event; should it ever mend that, the figures go on.
    "post.publish.no_longer_publicaly_available": "post.publish.no_longer_publicly_available",
    "post.publish.no_longer_publicly_available": "post.publish.no_longer_publicly_available",
}
"""Event type by TikTok's name of the event."""


def map_notification(update: dict[str, Any]) -> NativeEvent:
    """Raises Rejected when there is no event or no time. What is known of a post stays in `content`."""
    name = required_text(update, "event")
    return NativeEvent(
        event_id=_event_id(update, name),
        timestamp=required_moment(update.get("create_time"), "$.create_time"),
        funnel_stage=STAGE,
        event_type=KINDS.get(name) or unknown(name),
        user_id=identifier(update.get("user_openid")) or None,
    )


def _event_id(update: dict[str, Any], name: str) -> str:
    """There is no id of the delivery or of the event. Everything but the signature's time is the same in a re-send."""
    content = update.get("content")
    return stable_id(
        "tiktok",
        identifier(update.get("client_key")),
        name,
        identifier(update.get("user_openid")),
        identifier(update.get("create_time")),
        content if isinstance(content, str) else digest(content),
    )
