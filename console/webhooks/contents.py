"""What a body would become, were it believed: by the code of its source, which is pure."""

from collections import Counter

import msgspec

from console.webhooks.doors import Door
from pipeline.events.reasons import Rejection
from pipeline.events.text import text_rejection
from pipeline.events.webhook import BadUpdate, WebhookRequest


class Contents(msgspec.Struct, frozen=True):
    """Updates by event type, and what would become a dead letter."""

    event_types: dict[str, int]
    rejected: list[Rejection]


def contents_of(door: Door, request: WebhookRequest) -> Contents:
    """Cut and judged as the gateway does it, but for the size of single updates."""
    found, rejected = Counter[str](), list[Rejection]()
    chosen = door.source.formats[door.webhook.format]
    for update in door.webhook.split(request):
        if isinstance(update, BadUpdate):
            rejected.append(update.rejection)
            continue
        raw = bytes(update)
        judged = text_rejection(raw) or chosen.judge(update, request.received_at)
        if isinstance(judged, Rejection):
            rejected.append(judged)
        else:
            record = chosen.to_record(judged, msgspec.Raw(raw), request.received_at)
            found[record.event_type] += 1
    return Contents(dict(found), rejected)
