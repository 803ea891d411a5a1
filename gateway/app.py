"""Builds the gateway: its front doors, its checks, its loops."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec
from litestar.types import ASGIApp

from gateway.actions.assembly import SocialSettings, assemble_actions
from gateway.body import BodyReader
from gateway.canary import CanaryEndpoint
from gateway.commit import LARGE_WINDOW, GroupCommit
from gateway.events.route import EventsEndpoint
from gateway.events.service import EventService
from gateway.feed.route import feed_router
from gateway.notifications.assembly import assemble_notifications
from gateway.operator.route import operator_router
from gateway.operator.service import DeadLetterService
from gateway.operator.telemetry import OperatorTelemetry
from gateway.settings import GatewaySettings
from gateway.telemetry import SERVICE, GatewayTelemetry
from gateway.webhooks.assembly import Shared, assemble_webhooks
from gateway.webhooks.settings import WebhookSettings
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.chassis.supervision import Loop
from pipeline.chassis.tokens import TokenVerifier
from pipeline.events.source import Source
from pipeline.stream import (
    DEAD_LETTER_WINDOW,
    REPLAY_WINDOW,
    DeadLetterArchive,
    DeadLetters,
    Replayer,
    StreamConnection,
    StreamFillMetrics,
    StreamPublisher,
)

_DESCRIPTION = ServiceDescription(
    "Sluice gateway", "Takes in events. What it acknowledges is on disk, and will be stored exactly once."
)


def utc_now() -> datetime:
    """The clock of a gateway that runs; a test may have another."""
    return datetime.now(UTC)


def create_gateway(
    sources: Mapping[str, Source],
    settings: GatewaySettings,
    connection: StreamConnection,
    *,
    webhooks: WebhookSettings | None = None,
    credentials: Mapping[str, msgspec.Struct] | None = None,
    social: SocialSettings | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> tuple[ASGIApp, Mapping[str, Loop]]:
    """The gateway's app and its supervised loops.

    `credentials` has the Struct of each registered webhook by its name. `clock` says when a delivery was received.
    """
    metrics = ServiceMetrics(SERVICE)
    telemetry = GatewayTelemetry(metrics.registry)
    StreamFillMetrics(metrics.registry, connection)
    publisher = StreamPublisher(connection)
    bodies = BodyReader(settings)
    commit = GroupCommit(publisher, StreamPublisher(connection, LARGE_WINDOW))
    dead_letters = DeadLetters(StreamPublisher(connection, DEAD_LETTER_WINDOW))
    limit = settings.event_size_limit
    events = EventService(sources, limit, commit, dead_letters, telemetry)
    endpoint = EventsEndpoint(bodies, events, settings.ingest_api_keys)
    canaries = CanaryEndpoint(sources, bodies, commit, settings)
    shared = Shared(bodies, commit, dead_letters, telemetry, metrics.registry, limit)
    deliveries = assemble_webhooks(sources, credentials or {}, webhooks or WebhookSettings(), shared, clock)
    social = social or SocialSettings()
    verifier = TokenVerifier(social.tokens)
    actions, optional_checks = assemble_actions(social, verifier, shared)
    notifications = assemble_notifications(
        connection, verifier, social.notifications, metrics.registry, social.tokens.jwt_leeway_seconds
    )
    archive = DeadLetterArchive(connection, dead_letters)
    replayer = Replayer(archive, StreamPublisher(connection, REPLAY_WINDOW), sources, limit)
    letters = DeadLetterService(archive, replayer, OperatorTelemetry(metrics.registry))
    app = create_service(
        _DESCRIPTION,
        metrics,
        [
            endpoint.router(),
            canaries.router(),
            deliveries.router(),
            actions.router(),
            notifications.router,
            feed_router(social.live),
            operator_router(letters, settings.operator_api_keys),
        ],
        {"nats": connection.check},
        shortcuts=[endpoint.shortcut(), canaries.shortcut(), deliveries.shortcut(), actions.shortcut()],
        optional_checks={**optional_checks, **notifications.checks},
        websockets=notifications.websockets,
    )
    return app, {"stream": connection.run, **notifications.loops}
