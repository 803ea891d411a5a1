"""The loop: makes deliveries, checks them, and tells of the first that breaks something how to see it again."""

import base64
import json
import time
import traceback
from collections.abc import Sequence
from datetime import timedelta
from random import Random

import msgspec

from collectors.registry import SOURCES
from pipeline.events.source import Source
from pipeline.events.webhook import Webhook, WebhookRequest
from tests.contract.samples import DELIVERED_AT
from tests.fuzz.corpus import Seed, seeds
from tests.fuzz.mutations import mutated_body, mutated_headers, mutated_text
from tests.fuzz.properties import check_delivery, check_handshake

_QUERY = {"hub.mode": "subscribe", "hub.verify_token": "x", "hub.challenge": "1158201444"}


class Count(msgspec.Struct):
    """What was tried on one webhook."""

    deliveries: int = 0
    believed: int = 0
    records: int = 0
    refused: int = 0


class Broken(Exception):
    """Something that must always hold did not. The message is a line for `--replay`, and the traceback."""


def registered(only: str = "") -> list[tuple[Source, Webhook]]:
    """The webhooks of all sources, or those of the source or webhook of this name."""
    return [
        (source, webhook)
        for source in SOURCES.values()
        for webhook in source.webhooks
        if only in {"", source.name, webhook.name}
    ]


def fuzz(webhooks: Sequence[tuple[Source, Webhook]], seconds: float, seed: int) -> dict[str, Count]:
    """Tries what it can in the time. Raises Broken."""
    random, corpus = Random(seed), seeds()
    bodies, headers = [known.body for known in corpus], [known.headers for known in corpus]
    counts = {webhook.name: Count() for _, webhook in webhooks}
    own = {name: [known for known in corpus if known.webhook in {name, ""}] for name in counts}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for source, webhook in webhooks:
            known: Seed = random.choice(own[webhook.name] if random.random() < 0.9 else corpus)
            body = mutated_body(random, known.body, bodies) if random.random() < 0.9 else known.body
            request = WebhookRequest(
                sender=webhook.name if random.random() < 0.9 else mutated_text(random, webhook.name),
                headers=mutated_headers(random, known.headers, headers),
                body=body,
                received_at=DELIVERED_AT + timedelta(seconds=random.choice([0, 0, 0, 299, -301, 86400 * 40])),
            )
            query = {name: mutated_text(random, text) for name, text in _QUERY.items()}
            _try(source, webhook, request, query, bodies, counts[webhook.name])
    return counts


def replay(line: str) -> None:
    """Tries what a line of an earlier failure says. Raises Broken when it still fails."""
    told = json.loads(line)
    ((source, webhook),) = [found for found in registered() if found[1].name == told["webhook"]]
    received_at = DELIVERED_AT + timedelta(seconds=told["seconds_later"])
    body = base64.b64decode(told["body_b64"])
    request = WebhookRequest(told["sender"], told["headers"], body, received_at)
    _try(source, webhook, request, told["query"], [known.body for known in seeds()], Count())


def _try(
    source: Source,
    webhook: Webhook,
    request: WebhookRequest,
    query: dict[str, str],
    signed: list[bytes],
    count: Count,
) -> None:
    try:
        check_handshake(webhook, query)
        outcome = check_delivery(source, webhook, request, signed)
    except Exception as error:
        line = json.dumps(
            {
                "webhook": webhook.name,
                "sender": request.sender,
                "headers": request.headers,
                "query": query,
                "seconds_later": (request.received_at - DELIVERED_AT).total_seconds(),
                "body_b64": base64.b64encode(request.body).decode(),
            }
        )
        raise Broken(f"{traceback.format_exc()}\nTry it again with --replay '{line}'") from error
    count.deliveries += 1
    count.believed += outcome.believed
    count.records += outcome.records
    count.refused += outcome.refused
