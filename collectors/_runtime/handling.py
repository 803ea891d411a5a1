"""The span over what one transaction writes, by the names of OpenTelemetry's conventions for messaging."""

from contextlib import AbstractContextManager

from collectors._runtime.reading import MergedBatch
from pipeline.chassis import tracing


def handling(merged: MergedBatch, source: str) -> AbstractContextManager[tracing.Span | None]:
    """The span while a merged batch is handled: it began with the first delivery. Nothing when none is traced."""
    name = f"process events.{source}"
    return tracing.following(merged.origins, name, "consumer", started_ns=merged.began_ns)


def describe(span: tracing.Span, merged: MergedBatch, source: str) -> None:
    """What is known when reading has ended, which is a span of its own in the one given, the current one."""
    redelivered = sum(delivery.redelivered for delivery in merged.deliveries)
    attributes: dict[str, tracing.Value] = {
        "messaging.system": "nats",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": f"events.{source}",
        "messaging.batch.message_count": len(merged.deliveries),
        "sluice.events": merged.events,
        "sluice.redelivered_messages": redelivered,
    }
    span.describe(attributes)
    tracing.record("decode", merged.began_ns, merged.read_ns, {"sluice.rejected": len(merged.dead_letters)})
