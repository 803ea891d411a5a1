# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""What the streams hold: how full each is, and how much of one source waits in EVENTS.

Everything here is JetStream's own account, so it is the same whichever process asks, and it holds for all collectors of
a source together.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo, StreamInfo
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.errors import StreamUnavailable
from pipeline.stream.connection import StreamConnection
from pipeline.stream.topology import EVENTS, events_subject

_NO_MESSAGE_FOUND = 10037


class StreamFill(msgspec.Struct, frozen=True):
    """How full a stream is. `max_bytes` is None when it has no limit; `last_seq` counts what was ever stored."""

    name: str
    messages: int
    bytes: int
    max_bytes: int | None
    last_seq: int

    @property
    def share(self) -> float:
        """Of the limit, 0..1; 0 without one."""
        return self.bytes / self.max_bytes if self.max_bytes else 0.0


class Backlog(msgspec.Struct, frozen=True):
    """What of a source is accepted and not yet acknowledged by a collector.

    `bytes` is the source's share of the stream, by its number of batches. `arrived` grows with every batch that comes
    in, and with every one that is delivered anew; None without a consumer, as are the two figures after it.
    """

    batches: int
    oldest: datetime | None
    bytes: int = 0
    arrived: int | None = None
    unacknowledged: int | None = None
    redelivered: int | None = None


def fill_of(info: StreamInfo) -> StreamFill:
    """What a stream's information says about its size."""
    state, limit = info.state, info.config.max_bytes
    name = info.config.name or ""
    return StreamFill(
        name, state.messages, state.bytes, limit if limit and limit > 0 else None, state.last_seq
    )


async def read_backlog(jetstream: JetStreamContext, source: str, consumer: str) -> Backlog:
    """What waits for the collectors of a source. Raises StreamUnavailable."""
    subject = events_subject(source)
    try:
        # A work queue holds just what is not acknowledged, whether it was delivered or not, and whether there is a
        # consumer for it or not (yet).
        state = (await jetstream.stream_info(EVENTS, subjects_filter=subject)).state
        waiting = (state.subjects or {}).get(subject, 0)
        info = await _consumer_info(jetstream, consumer)
        oldest = await _stored_at(jetstream, subject) if waiting else None
    except (NatsError, TimeoutError) as error:
        raise StreamUnavailable(f"NATS: {str(error) or type(error).__name__}") from error
    if oldest is None:
        waiting = 0  # acknowledged between the two questions
    size = round(state.bytes * waiting / state.messages) if state.messages else 0
    if info is None:
        return Backlog(waiting, oldest, size)
    pending, delivered = info.num_pending or 0, info.delivered.consumer_seq if info.delivered else 0
    return Backlog(
        waiting, oldest, size, delivered + pending, info.num_ack_pending or 0, info.num_redelivered or 0
    )


async def _consumer_info(jetstream: JetStreamContext, consumer: str) -> ConsumerInfo | None:
    try:
        return await jetstream.consumer_info(EVENTS, consumer)
    except NotFoundError:
        return None


async def _stored_at(jetstream: JetStreamContext, subject: str) -> datetime | None:
    """When the oldest message of a subject was stored; None when there is none any more."""
    try:
        return (await jetstream.get_msg(EVENTS, seq=1, subject=subject, next=True)).time
    except NotFoundError as error:
        if error.err_code == _NO_MESSAGE_FOUND:
            return None
        raise


class StreamFillMetrics(Collector):
    """Gauges of every stream, as the connection's last look at its topology found them (every five seconds)."""

    def __init__(self, registry: CollectorRegistry, connection: StreamConnection) -> None:
        self._connection = connection
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        messages = GaugeMetricFamily("stream_messages", "Messages in the stream", labels=["stream"])
        size = GaugeMetricFamily("stream_bytes", "Bytes in the stream", labels=["stream"])
        limit = GaugeMetricFamily("stream_max_bytes", "Bytes that the stream may hold", labels=["stream"])
        for info in self._connection.streams:
            fill = fill_of(info)
            messages.add_metric([fill.name], fill.messages)
            size.add_metric([fill.name], fill.bytes)
            if fill.max_bytes is not None:
                limit.add_metric([fill.name], fill.max_bytes)
        return [messages, size, limit]
