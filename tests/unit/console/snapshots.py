"""A system in which all is well, and changes to it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from console.status.snapshot import (
    DeadLetterState,
    FailingCheck,
    Health,
    ServerState,
    ServiceState,
    Snapshot,
    SourceState,
    StreamState,
)

_GB = 1024**3


def service(
    name: str, health: Health = "ready", detail: str = "", failing: Sequence[FailingCheck] = ()
) -> ServiceState:
    source, _, what = name.partition("-")
    kind = "collector" if what == "collector" else name
    return ServiceState(name, kind, f"http://{name}:80", health, source if what else "", detail, failing)


def source(name: str, **changes: Any) -> SourceState:
    well = SourceState(
        source=name,
        accepted_per_second=1_250.0,
        stored_per_second=1_248.0,
        refused_per_second=0.0,
        batches=3,
        events=1_500,
        bytes=600_000,
        oldest_seconds=0.2,
        catch_up_seconds=0.0,
        has_consumer=True,
        unacknowledged=3,
        redelivered=0,
        report_lag_seconds=0.2,
        silent_seconds=0.4,
    )
    return msgspec.structs.replace(well, **changes)


def stream(name: str, share: float = 0.001, **changes: Any) -> StreamState:
    well = StreamState(name, True, 3, round(4 * _GB * share), 4 * _GB, share)
    return msgspec.structs.replace(well, **changes)


def server(name: str, *, away: str = "") -> ServerState:
    return ServerState(name, not away, away or "1.2.3")


def snapshot(**changes: Any) -> Snapshot:
    well = Snapshot(
        at=datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC),
        seconds=1.0,
        services=[
            service(name) for name in ("gateway", "facebook-collector", "tiktok-collector", "reporter")
        ],
        servers=[server(name) for name in ("nats", "postgres", "redis")],
        sources=[source("facebook"), source("tiktok")],
        streams=[stream("EVENTS"), stream("DEAD_LETTERS")],
        dead_letters=[],
    )
    return msgspec.structs.replace(well, **changes)


def with_service(name: str, health: Health, *failing: FailingCheck, detail: str = "") -> Snapshot:
    """One service is not well."""
    well = snapshot()
    others = [each for each in well.services if each.name != name]
    return snapshot(services=[service(name, health, detail, failing), *others])


def dead_letters(*kept: tuple[str, str, int]) -> Snapshot:
    """So many letters by source and reason."""
    return snapshot(dead_letters=[DeadLetterState(*each) for each in kept])
