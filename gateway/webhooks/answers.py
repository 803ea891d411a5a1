"""What a sender hears."""

import math

import msgspec

from gateway.events.answers import EventsAccepted
from gateway.webhooks.doors import Door
from pipeline.chassis.problems import Problem
from pipeline.chassis.shortcut import Answer, answer_of

_NOT_CONFIGURED_RETRY_SECONDS = 60

_encode = msgspec.json.Encoder().encode


FORGED = answer_of(
    Problem(
        401,
        "unauthorized",
        "The request is not signed as it must be.",
        headers={"WWW-Authenticate": "Signature"},
    )
)
"""The same for whatever is wrong with a signature: who guesses learns nothing, and costs nothing."""


class DeliveryTaken(msgspec.Struct, frozen=True):
    """Every update of a delivery is on disk: so many as events, so many as dead letters."""

    accepted: int
    rejected: int


def taken(door: Door, outcome: EventsAccepted) -> Answer:
    """200 for a provider, which takes anything else for a failure; 202 for others, as CloudEvents has it."""
    if door.webhook.any_sender:
        return Answer(202, _encode(outcome), "application/json")
    if door.webhook.answers_empty:
        return Answer(200)
    return Answer(200, _encode(DeliveryTaken(outcome.accepted, outcome.rejected)), "application/json")


def unknown_sender() -> Problem:
    """404, also where the name is a good one that nobody has configured."""
    return Problem(404, "unknown-sender", "No sender of this name is configured.")


def not_configured(door: Door) -> Problem:
    """503: the provider goes on trying until the secret is there."""
    detail = f"The webhook {door.name!r} is not configured: it has no secret yet."
    return Problem(503, "not-configured", detail, headers={"Retry-After": str(_NOT_CONFIGURED_RETRY_SECONDS)})


def too_fast(door: Door, wait_seconds: float) -> Problem:
    """429 as CloudEvents has it; a provider is told 503, as for everything that passes."""
    return Problem(
        429 if door.webhook.any_sender else 503,
        "rate-limited",
        "More deliveries than WEBHOOK_RATE_PER_SECOND allows.",
        headers={"Retry-After": str(max(1, math.ceil(wait_seconds)))},
    )


def compressed() -> Problem:
    """No provider compresses, and what was signed are the bytes as they are."""
    return Problem(415, "unsupported-media-type", "A delivery must not be compressed.")
