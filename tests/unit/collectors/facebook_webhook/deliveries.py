"""Deliveries of Meta's, made for a test, and what becomes of them."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from collectors.facebook.webhook import WEBHOOK
from collectors.facebook.webhook.format import WEBHOOK_FORMAT, MetaEvent
from pipeline.events.reasons import Rejection
from pipeline.events.webhook import BadUpdate, WebhookRequest

NOW = datetime.fromtimestamp(1790000000, UTC)
SENT = 1789999990


def delivery(body: bytes | dict[str, Any], **headers: str) -> WebhookRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return WebhookRequest(
        "facebook", {name.replace("_", "-"): text for name, text in headers.items()}, raw, NOW
    )


def with_entry(kind_of_object: str = "page", **entry: Any) -> dict[str, Any]:
    return {"object": kind_of_object, "entry": [{"id": "1", "time": SENT} | entry]}


def with_change(field: str, value: Any, kind_of_object: str = "page", **entry: Any) -> dict[str, Any]:
    return with_entry(kind_of_object, **entry, changes=[{"field": field, "value": value}])


def updates_of(body: bytes | dict[str, Any]) -> list[msgspec.Raw | BadUpdate]:
    return list(WEBHOOK.split(delivery(body)))


def events_of(body: bytes | dict[str, Any]) -> list[MetaEvent | Rejection]:
    """What becomes of each update: the event, or why there is none."""
    outcomes: list[MetaEvent | Rejection] = []
    for update in updates_of(body):
        outcome = update.rejection if isinstance(update, BadUpdate) else WEBHOOK_FORMAT.judge(update, NOW)
        assert isinstance(outcome, MetaEvent | Rejection)
        outcomes.append(outcome)
    return outcomes


def event_of(body: bytes | dict[str, Any]) -> MetaEvent:
    (event,) = events_of(body)
    assert isinstance(event, MetaEvent), event
    return event


def rejection_in(body: bytes | dict[str, Any]) -> Rejection:
    (rejection,) = events_of(body)
    assert isinstance(rejection, Rejection), rejection
    return rejection
