"""Everything that `sluice status` knows at one moment. `--json` shows just this, and the findings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

Health = Literal["ready", "degraded", "not ready", "away"]
"""`degraded`: it works, without something that it can do without. `away`: there was no answer."""


class FailingCheck(msgspec.Struct, frozen=True):
    """A readiness check that failed. Without an optional one the service does its work all the same."""

    name: str
    detail: str
    optional: bool = False


class ServiceState(msgspec.Struct, frozen=True):
    """One process of ours. `kind` is gateway, collector or reporter; `source` is whose collector it is."""

    name: str
    kind: str
    address: str
    health: Health
    source: str = ""
    detail: str = ""
    failing: Sequence[FailingCheck] = ()


class ServerState(msgspec.Struct, frozen=True):
    """NATS, Postgres or Redis, as the console itself reaches it. `detail` is a version, or why not."""

    name: str
    reached: bool
    detail: str


class SourceState(msgspec.Struct, frozen=True):
    """One source: how much comes and goes per second, what waits, and how complete the reports are.

    None is unknown. `events` and `catch_up_seconds` come from a collector, the rest of the backlog from the stream.
    `report_lag_seconds` is the age of the oldest event that is not in the reports; `silent_seconds` how long ago a
    collector said so. `canary_seconds` is how long ago the youngest canary was sent that came the whole way.
    """

    source: str
    accepted_per_second: float | None = None
    stored_per_second: float | None = None
    refused_per_second: float | None = None
    batches: int | None = None
    events: int | None = None
    bytes: int | None = None
    oldest_seconds: float | None = None
    catch_up_seconds: float | None = None
    has_consumer: bool | None = None
    unacknowledged: int | None = None
    redelivered: int | None = None
    report_lag_seconds: float | None = None
    silent_seconds: float | None = None
    canary_seconds: float | None = None


class StreamState(msgspec.Struct, frozen=True):
    """How full a stream is: `share` of its limit, 0..1. A missing one has `exists` false."""

    name: str
    exists: bool
    messages: int = 0
    bytes: int = 0
    max_bytes: int | None = None
    share: float = 0.0


class DeadLetterState(msgspec.Struct, frozen=True):
    """Dead letters of one source for one reason, kept at the moment."""

    source: str
    reason: str
    letters: int


class Snapshot(msgspec.Struct, frozen=True):
    """The whole system. Rates were measured over `seconds`. `dead_letters` is None when they could not be counted."""

    at: datetime
    seconds: float
    services: Sequence[ServiceState]
    servers: Sequence[ServerState]
    sources: Sequence[SourceState]
    streams: Sequence[StreamState]
    dead_letters: Sequence[DeadLetterState] | None

    def server(self, name: str) -> ServerState | None:
        """The state of NATS, Postgres or Redis; None when it is not used."""
        return next((server for server in self.servers if server.name == name), None)

    def reaches(self, name: str) -> bool:
        """Whether that server answered."""
        server = self.server(name)
        return server is not None and server.reached

    def collectors(self) -> Mapping[str, Sequence[ServiceState]]:
        """The collectors by source."""
        found: dict[str, list[ServiceState]] = {}
        for service in self.services:
            if service.source:
                found.setdefault(service.source, []).append(service)
        return found
