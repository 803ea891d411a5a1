"""Builds a collector for a source: its loops, its checks, and the routes that tell how it is doing."""

import functools
from collections.abc import Mapping

from litestar import get
from litestar.types import ASGIApp

from collectors._runtime.counting import CounterKeeper
from collectors._runtime.counting_telemetry import CountingTelemetry
from collectors._runtime.loops import collect
from collectors._runtime.notifying import Notifier
from collectors._runtime.notifying_telemetry import NotifyingTelemetry
from collectors._runtime.progress import BacklogWatch, Lag, report_backlog, watch_backlog
from collectors._runtime.reading import BatchReader
from collectors._runtime.settings import CollectorSettings
from collectors._runtime.telemetry import CollectorTelemetry, Statistics
from collectors._runtime.upkeep import keep_partitions, keep_retention
from collectors._runtime.writing import BatchWriter
from pipeline.chassis.metrics import ServiceMetrics
from pipeline.chassis.service import ServiceDescription, create_service
from pipeline.chassis.supervision import Heartbeat, Loop
from pipeline.chassis.tracing import TracedOccasion
from pipeline.events.source import Source
from pipeline.live import LiveConnection, LiveCounters, LiveSettings
from pipeline.store import Database, EventStore
from pipeline.store.live_updates import LiveUpdates
from pipeline.store.migrations import check_migrated
from pipeline.store.notifications import NotificationOutbox
from pipeline.store.projections import PROJECTIONS
from pipeline.stream import (
    DEAD_LETTER_WINDOW,
    BatchConsumer,
    DeadLetters,
    NotificationPublisher,
    StreamConnection,
    StreamFillMetrics,
    StreamPublisher,
)


def create_collector(
    source: Source,
    settings: CollectorSettings,
    connection: StreamConnection,
    database: Database,
    live: LiveSettings | None = None,
) -> tuple[ASGIApp, Mapping[str, Loop]]:
    """The collector's app and its supervised loops. Without a `redis_url` it keeps no live counters."""
    metrics = ServiceMetrics(f"{source.name}-collector")
    projection = PROJECTIONS[source.projection]
    counters = None
    news = TracedOccasion()
    if live and live.redis_url:
        counting = CountingTelemetry(metrics.registry, source.name)
        redis = LiveConnection(live, f"{source.name}-collector")
        counters = CounterKeeper(
            redis,
            LiveCounters(redis, source.name, source.projection),
            LiveUpdates(database, source.name, projection),
            live,
            news,
            counting,
        )
    telemetry = CollectorTelemetry(metrics.registry, source.name)
    consumer = BatchConsumer(
        connection,
        source.name,
        prefetch=settings.prefetch_batches,
        ack_wait_seconds=settings.ack_wait_seconds,
        max_ack_pending=settings.max_ack_pending,
    )
    reader = BatchReader(source, consumer, telemetry)
    notices = TracedOccasion()
    store = EventStore(database, source.name, news if counters else None, projection, notices)
    notifier = None
    if projection.notifies:
        outbox = NotificationOutbox(database, store.writer)
        told = NotifyingTelemetry(metrics.registry, source.name)
        notifier = Notifier(outbox, NotificationPublisher(connection), notices, told)
    dead_letters = DeadLetters(StreamPublisher(connection, DEAD_LETTER_WINDOW))
    writer = BatchWriter(store, dead_letters, reader, settings, telemetry)
    heartbeat = Heartbeat(settings.stall_after_seconds)
    watch = BacklogWatch(consumer, telemetry)
    StreamFillMetrics(metrics.registry, connection)

    @get("/stats", summary="Totals since start", tags=["collector"], sync_to_thread=False)
    def stats() -> Statistics:
        return telemetry.statistics

    @get("/lag", summary="How far this source is behind", tags=["collector"])
    async def lag() -> Lag:
        return await watch.look()

    app = create_service(
        ServiceDescription(
            f"Sluice {source.name} collector", f"Stores the events of {source.name} exactly once."
        ),
        metrics,
        [stats, lag],
        {
            "nats": connection.check,
            "postgres": functools.partial(check_migrated, database),
            "writer": heartbeat.check,
        },
        optional_checks={
            **({"redis": counters.check} if counters else {}),
            **({"notifications": notifier.check} if notifier else {}),
        },
    )
    loops: dict[str, Loop] = {
        "stream": connection.run,
        "consumer": consumer.run,
        "collect": functools.partial(
            collect, reader=reader, writer=writer, consumer=consumer, settings=settings, heartbeat=heartbeat
        ),
        "backlog": functools.partial(watch_backlog, watch=watch, settings=settings),
        "progress": functools.partial(report_backlog, watch=watch, source=source.name, database=database),
        "partitions": functools.partial(keep_partitions, database=database, settings=settings),
        "retention": functools.partial(
            keep_retention, database=database, settings=settings, live=counters is not None
        ),
    }
    if counters:
        loops["counters"] = counters.run
    if notifier:
        loops["notifications"] = notifier.run
    return app, loops
