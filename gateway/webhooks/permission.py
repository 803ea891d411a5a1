"""The question that a CloudEvents sender asks before it delivers: may it? (HTTP webhook binding 1.0.2, section 4)

Whoever asks gets a yes where its name is configured: what protects the door is the signature.
"""

import re
from collections.abc import Mapping

from gateway.webhooks import answers
from gateway.webhooks.doors import Door
from gateway.webhooks.rate import DeliveryRates
from pipeline.chassis.problems import Problem
from pipeline.chassis.shortcut import Answer

_ORIGIN = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


def answer_permission(door: Door, sender: str, headers: Mapping[str, str], rates: DeliveryRates) -> Answer:
    """200 with the origin that asked and the rate a minute. Raises Problem 400 and 404."""
    if not door.knows(sender):
        raise answers.unknown_sender()
    origin = headers.get("webhook-request-origin")
    if origin is None:
        return Answer(204, headers={"Allow": "OPTIONS, POST"})
    if not _ORIGIN.fullmatch(origin):
        raise Problem(400, "malformed-origin", "WebHook-Request-Origin must be a host name.")
    rate = "*" if rates.per_minute is None else str(rates.per_minute)
    return Answer(
        200,
        headers={
            "Allow": "OPTIONS, POST",
            "WebHook-Allowed-Origin": origin,
            "WebHook-Allowed-Rate": rate,
        },
    )
