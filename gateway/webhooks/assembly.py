"""Puts the rooms of the webhooks together."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from prometheus_client import CollectorRegistry

from gateway.body import BodyReader
from gateway.commit import GroupCommit
from gateway.telemetry import GatewayTelemetry
from gateway.webhooks.doors import Doors
from gateway.webhooks.quarantine import Quarantine
from gateway.webhooks.rate import DeliveryRates
from gateway.webhooks.reception import Reception
from gateway.webhooks.route import WebhookEndpoint
from gateway.webhooks.service import WebhookService
from gateway.webhooks.settings import WebhookSettings
from gateway.webhooks.telemetry import WebhookTelemetry
from pipeline.events.source import Source
from pipeline.stream import DeadLetters


class Shared(msgspec.Struct, frozen=True):
    """What the webhooks have in common with `POST /events`."""

    bodies: BodyReader
    commit: GroupCommit
    dead_letters: DeadLetters
    telemetry: GatewayTelemetry
    registry: CollectorRegistry
    event_size_limit: int


def assemble_webhooks(
    sources: Mapping[str, Source],
    credentials: Mapping[str, msgspec.Struct],
    settings: WebhookSettings,
    shared: Shared,
    clock: Callable[[], datetime],
) -> WebhookEndpoint:
    """The endpoint of all registered webhooks. `credentials` has the Struct of each by the webhook's name."""
    telemetry = WebhookTelemetry(shared.registry)
    service = WebhookService(
        shared.event_size_limit,
        shared.commit,
        Quarantine(shared.dead_letters),
        shared.telemetry,
        telemetry,
    )
    doors = Doors(sources, credentials)
    bodies = shared.bodies.with_limit(settings.webhook_body_limit, "WEBHOOK_BODY_LIMIT")
    rates = DeliveryRates(settings.webhook_rate_per_second, settings.webhook_rate_burst)
    reception = Reception(doors, bodies, rates, service, telemetry, clock)
    return WebhookEndpoint(doors, reception, rates, telemetry)
