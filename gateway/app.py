"""Builds the gateway: its front doors, its checks, its loops."""

from collections.abc import Mapping

from litestar.types import ASGIApp

from gateway.body import BodyReader
from gateway.commit import GroupCommit
from gateway.events.route import EventsEndpoint
from gateway.events.service import EventService
from gateway.settings import GatewaySettings
from gateway.telemetry import SERVICE, GatewayTelemetry
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.chassis.supervision import Loop
from pipeline.events.source import Source
from pipeline.stream import DeadLetters, StreamConnection, StreamPublisher

_DESCRIPTION = ServiceDescription(
    "Sluice gateway", "Takes in events. What it acknowledges is on disk, and will be stored exactly once."
)


def create_gateway(
    sources: Mapping[str, Source], settings: GatewaySettings, connection: StreamConnection
) -> tuple[ASGIApp, Mapping[str, Loop]]:
    """The gateway's app and its supervised loops."""
    metrics = ServiceMetrics(SERVICE)
    telemetry = GatewayTelemetry(metrics.registry)
    publisher = StreamPublisher(connection)
    bodies = BodyReader(settings)
    events = EventService(
        sources, settings.event_size_limit, GroupCommit(publisher), DeadLetters(publisher), telemetry
    )
    endpoint = EventsEndpoint(bodies, events, settings.ingest_api_keys)
    app = create_service(
        _DESCRIPTION,
        metrics,
        [endpoint.router()],
        {"nats": connection.check},
        shortcuts=[endpoint.shortcut()],
    )
    return app, {"stream": connection.run}
