"""What happened at the doors of notifications: one function per fact, logging and counting at once."""

from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.notifications.endings import Ending

log = structlog.get_logger()

Door = Literal["websocket", "event_stream"]


class NotificationTelemetry:
    """Of one gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._clients = Gauge(
            "notification_clients", "Clients that are told notifications", registry=registry
        )
        self._told = Counter(
            "notifications_told", "Notifications that were handed to a client's queue", registry=registry
        )
        self._malformed = Counter(
            "notifications_malformed", "Messages of the stream that are no notification", registry=registry
        )
        self._resumed = Counter(
            "notification_resumes",
            "Clients that came back, by whether all that they have missed is still there",
            ["outcome"],
            registry=registry,
        )
        self._ended = Counter(
            "notification_connections_ended",
            "Connections that we ended, by why",
            ["ending"],
            registry=registry,
        )
        self._refused = Counter(
            "notification_connections_refused",
            "Clients that were not let in",
            ["door", "ending"],
            registry=registry,
        )

    def joined(self, clients: int, resumed: bool, lost: str) -> None:
        self._clients.set(clients)
        if resumed:
            self._resumed.labels(lost or "complete").inc()

    def left(self, clients: int, ending: Ending | None) -> None:
        """`ending` is None when the client has gone by itself."""
        self._clients.set(clients)
        if ending is not None:
            self._ended.labels(ending.name).inc()
            log.debug("notification_client_ended", code=ending.code, reason=ending.reason)

    def refused(self, door: Door, ending: Ending) -> None:
        self._refused.labels(door, ending.name).inc()
        log.debug("notification_client_refused", door=door, code=ending.code, reason=ending.reason)

    def told(self, clients: int) -> None:
        self._told.inc(clients)

    def malformed(self, sequence: int) -> None:
        """Published by another program, and passed on to nobody."""
        self._malformed.inc()
        log.warning("notification_malformed", sequence=sequence)
