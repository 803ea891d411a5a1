"""Looks at everything at once and puts it together. No part that is away keeps the others waiting for long."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from collectors.registry import SOURCES
from console.settings import ConsoleSettings
from console.status import flow, services
from console.status.flow import Reading
from console.status.servers import SourceProgress, StoreProbe, StoreView, look_at_redis
from console.status.services import CollectorLag, Service
from console.status.snapshot import ServerState, Snapshot, SourceState
from console.status.streams import StreamView, look_at_streams
from pipeline.chassis.settings import load_settings
from pipeline.errors import SluiceError
from pipeline.live import LiveSettings
from pipeline.store import StoreSettings
from pipeline.stream import Backlog, StreamSettings

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)

_BRIEF = 160


class Observer:
    """Takes snapshots. An async context manager: what it needs for that is kept from one to the next."""

    def __init__(self, settings: ConsoleSettings, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._services = services.services_of(settings)
        self._sources = list(dict.fromkeys([*SOURCES, *settings.collectors()]))
        self._asking = services.client()
        self._store: StoreProbe | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._asking.aclose()
        if self._store is not None:
            await self._store.close()

    async def snapshot(self, seconds: float) -> Snapshot:
        """Everything as it is now. Takes `seconds`, over which it measures the flow, or longer if something is slow."""
        began = time.monotonic()
        before = await self._readings([service for service in self._services if service.kind != "reporter"])
        states, (nats, streams), (postgres, store), redis, lags = await asyncio.gather(
            services.states(self._asking, self._services),
            self._look_at_nats(),
            self._look_at_postgres(),
            self._look_at_redis(),
            self._lags(),
        )
        await asyncio.sleep(began + seconds - time.monotonic())
        after = await self._readings([service for service, reading in before.items() if reading])
        pairs = {
            service: (first, last)
            for service, first in before.items()
            if first is not None and (last := after.get(service)) is not None
        }
        sources = [
            self._source(
                name,
                pairs,
                streams.backlogs.get(name) if streams else None,
                lags.get(name),
                store.progress.get(name) if store else None,
            )
            for name in self._sources
        ]
        return Snapshot(
            at=datetime.now(UTC),
            seconds=round(time.monotonic() - began, 2),
            services=states,
            servers=[server for server in (nats, postgres, redis) if server],
            sources=sources,
            streams=streams.streams if streams else (),
            dead_letters=streams.dead_letters if streams else None,
        )

    async def _readings(self, counting: Sequence[Service]) -> dict[Service, Reading | None]:
        found = await asyncio.gather(*(services.reading(self._asking, service) for service in counting))
        return dict(zip(counting, found, strict=True))

    async def _lags(self) -> dict[str, CollectorLag]:
        """By source, of the first collector that answers: all of them tell of the same backlog."""
        collectors = [service for service in self._services if service.source]
        found = await asyncio.gather(*(services.lag(self._asking, service) for service in collectors))
        return {
            service.source: lag for service, lag in reversed(list(zip(collectors, found, strict=True))) if lag
        }

    async def _look_at_nats(self) -> tuple[ServerState, StreamView | None]:
        try:
            view = await look_at_streams(self._load(StreamSettings), self._sources)
        except SluiceError as error:
            return ServerState("nats", False, _in_brief(error)), None
        return ServerState("nats", True, view.version), view

    async def _look_at_postgres(self) -> tuple[ServerState, StoreView | None]:
        try:
            self._store = self._store or StoreProbe(self._load(StoreSettings))
            view = await self._store.look()
        except SluiceError as error:
            return ServerState("postgres", False, _in_brief(error)), None
        return ServerState("postgres", True, view.version), view

    async def _look_at_redis(self) -> ServerState | None:
        try:
            settings = self._load(LiveSettings)
            if not settings.redis_url:
                return None
            return ServerState("redis", True, await look_at_redis(settings))
        except SluiceError as error:
            return ServerState("redis", False, _in_brief(error))

    def _load(self, kind: type[SettingsT]) -> SettingsT:
        return load_settings(kind, self._environ)

    def _source(
        self,
        name: str,
        pairs: Mapping[Service, tuple[Reading, Reading]],
        backlog: Backlog | None,
        lag: CollectorLag | None,
        progress: SourceProgress | None,
    ) -> SourceState:
        gateways = [pair for service, pair in pairs.items() if service.kind == "gateway"]
        collectors = [pair for service, pair in pairs.items() if service.source == name]
        known = SourceState(
            source=name,
            accepted_per_second=flow.rate(flow.PROCESSED, name, gateways),
            stored_per_second=flow.rate(flow.PROCESSED, name, collectors),
            refused_per_second=flow.rate(flow.REFUSED, name, [*gateways, *collectors]),
            report_lag_seconds=progress.report_lag_seconds if progress else None,
            silent_seconds=progress.silent_seconds if progress else None,
            canary_seconds=progress.canary_seconds if progress else None,
        )
        if backlog is None:
            return known
        age = (datetime.now(UTC) - backlog.oldest).total_seconds() if backlog.oldest else 0.0
        return msgspec.structs.replace(
            known,
            batches=backlog.batches,
            events=_events(backlog, lag),
            bytes=backlog.bytes,
            oldest_seconds=round(max(0.0, age), 3),
            catch_up_seconds=lag.seconds_to_catch_up if lag else 0.0 if not backlog.batches else None,
            has_consumer=backlog.arrived is not None,
            unacknowledged=backlog.unacknowledged,
            redelivered=backlog.redelivered,
        )


def _events(backlog: Backlog, lag: CollectorLag | None) -> int | None:
    """As many as a collector says are in each batch; 0 and 1 need nobody's word."""
    if not backlog.batches:
        return 0
    return round(backlog.batches * lag.events / lag.batches) if lag and lag.batches else None


def _in_brief(error: Exception) -> str:
    """The first sentence or so, on one line: some libraries explain at length."""
    text = " ".join(str(error).removeprefix("NATS: ").split()) or type(error).__name__
    return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}…"
