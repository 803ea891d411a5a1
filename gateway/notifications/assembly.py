"""Puts the rooms of notifications together."""

from collections.abc import Mapping

import msgspec
from litestar import Router
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from gateway.notifications.event_stream import EventStreamDoor
from gateway.notifications.hub import Hub
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.telemetry import NotificationTelemetry
from gateway.notifications.websocket import WebSocketDoor
from pipeline.chassis.health import Check
from pipeline.chassis.supervision import Loop
from pipeline.chassis.tokens import TokenVerifier
from pipeline.stream import StreamConnection


class Notifications(msgspec.Struct, frozen=True):
    """What the gateway takes in: a router, the WebSockets by path, the loops by name, the optional checks by name."""

    router: Router
    websockets: Mapping[str, ASGIApp]
    loops: Mapping[str, Loop]
    checks: Mapping[str, Check]


def assemble_notifications(
    connection: StreamConnection,
    verifier: TokenVerifier,
    settings: NotificationSettings,
    registry: CollectorRegistry,
    leeway_seconds: float,
) -> Notifications:
    """Both doors before one hub. `leeway_seconds` is how long a token is still good after it has expired."""
    telemetry = NotificationTelemetry(registry)
    hub = Hub(connection, settings, telemetry, leeway_seconds)
    return Notifications(
        router=EventStreamDoor(hub, verifier, settings, telemetry).router(),
        websockets={"/ws": WebSocketDoor(hub, verifier, settings, telemetry)},
        loops={"notifications": hub.run},
        checks={"notifications": hub.check},
    )
