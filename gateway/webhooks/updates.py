"""Cuts a signed body into updates and judges each one by itself: one bad update never harms its neighbours."""

import asyncio
import time
from dataclasses import dataclass, field

import msgspec
import structlog

from gateway.events.intake import BadEvent
from gateway.webhooks.doors import Door
from pipeline.events.reasons import Reason, Rejection
from pipeline.events.source import Event
from pipeline.events.text import needs_text_check, text_rejection
from pipeline.events.webhook import BadUpdate, WebhookRequest

log = structlog.get_logger()

_TURN_SECONDS = 0.001
_UNKNOWN_KIND = "unknown."
"""How the event types begin of what no source has a table row for."""


class BadPart(BadEvent, frozen=True, gc=False):
    """A refused part of a delivery. `format` is what it is kept under: the webhook's format for an update in it, else
    one that no source has. For what was never cut may say anything when it is read as an update, another sender's
    name included: nobody may replay it.
    """

    format: str = ""


@dataclass(slots=True)
class Judged:
    """What a delivery holds. `accepted` is in the webhook's format."""

    accepted: list[msgspec.Raw] = field(default_factory=list[msgspec.Raw])
    rejected: list[BadPart] = field(default_factory=list[BadPart])
    unknown_kinds: int = 0


async def judge_updates(door: Door, request: WebhookRequest, event_size_limit: int) -> Judged:
    """Never raises for anything that a sender can write. Others get a turn after about a millisecond."""
    judged = Judged()
    turn_began = time.perf_counter()
    try:
        for index, update in enumerate(door.webhook.split(request)):
            outcome = _judge(door, update, request, event_size_limit)
            if isinstance(outcome, Rejection):
                judged.rejected.append(_bad_part(door, index, update, outcome))
            elif not isinstance(update, BadUpdate):
                judged.accepted.append(update)
                judged.unknown_kinds += _is_of_unknown_kind(outcome)
            if time.perf_counter() - turn_began > _TURN_SECONDS:
                await asyncio.sleep(0)
                turn_began = time.perf_counter()
    except (
        Exception
    ) as error:  # a defect of one provider's code: the provider must not send this again for days
        log.exception("webhook_not_split", webhook=door.name)
        rejection = Rejection(Reason.MALFORMED_JSON, "$", f"splitting failed: {error!r}")
        whole = BadUpdate(request.body, rejection)
        judged.rejected.append(_bad_part(door, len(judged.accepted), whole, rejection))
    return judged


def _bad_part(door: Door, index: int, update: msgspec.Raw | BadUpdate, rejection: Rejection) -> BadPart:
    if isinstance(update, BadUpdate):
        return BadPart(index, None, door.source, rejection, update.raw, f"{door.name}.delivery")
    return BadPart(index, None, door.source, rejection, bytes(update), door.webhook.format)


def _judge(
    door: Door, update: msgspec.Raw | BadUpdate, request: WebhookRequest, size_limit: int
) -> Event | Rejection:
    if isinstance(update, BadUpdate):
        return update.rejection
    # The size comes first: everything else takes time in proportion to it.
    if len(memoryview(update)) > size_limit:
        return Rejection(Reason.TOO_LARGE, "$", f"larger than {size_limit} bytes (EVENT_SIZE_LIMIT)")
    raw = bytes(update)
    rejection = text_rejection(raw) if needs_text_check(raw) else None
    return rejection or door.format.judge(update, request.received_at)


def _is_of_unknown_kind(event: Event) -> bool:
    event_type: object = getattr(event, "event_type", None)
    return isinstance(event_type, str) and event_type.startswith(_UNKNOWN_KIND)
