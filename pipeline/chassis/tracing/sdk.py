"""OpenTelemetry's SDK behind our names. It is imported only where tracing is on."""

import random
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import cast

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from pipeline.chassis.tracing.context import TraceContext
from pipeline.chassis.tracing.export import WatchedExporter
from pipeline.chassis.tracing.settings import TracingSettings
from pipeline.chassis.tracing.spans import Kind, Value

_MAX_LINKS = 128
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_KINDS: Mapping[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


class RecordedSpan:
    """One of OpenTelemetry's, as `Span` describes it."""

    __slots__ = ("_span", "context")

    def __init__(self, span: SdkSpan) -> None:
        self._span = span
        known = span.get_span_context()
        self.context = TraceContext(known.trace_id, known.span_id, True, known.trace_state.to_header())

    def describe(self, attributes: Mapping[str, Value]) -> None:
        """As in `Span`."""
        self._span.set_attributes(attributes)

    def rename(self, name: str) -> None:
        """As in `Span`."""
        self._span.update_name(name)

    def note(self, event: str, attributes: Mapping[str, Value]) -> None:
        """As in `Span`."""
        if self._span.is_recording():
            self._span.add_event(event, attributes)

    def link(self, other: TraceContext) -> None:
        """As in `Span`."""
        if self._span.is_recording():
            self._span.add_link(_span_context(other))

    def end(self, error: str = "", *, ended_ns: int | None = None) -> None:
        """As in `Span`."""
        if not self._span.is_recording():
            return
        if error:
            self._span.set_status(Status(StatusCode.ERROR))
            self._span.set_attribute("error.type", error)
        self._span.end(ended_ns)


class _CountedSpans(BatchSpanProcessor):
    """Knows of how many spans it was told, so that those that it has thrown away can be counted, too."""

    ended = 0

    def on_end(self, span: ReadableSpan) -> None:
        self.ended += 1
        super().on_end(span)


class OpenTelemetry:
    """Records what it is told to, and sends it in batches from a thread of its own.

    At most OTEL_BSP_MAX_QUEUE_SIZE spans (2,048) wait for that; what comes when they are that many takes the place of
    the oldest. The decision what to record is made here and not by the SDK's samplers: theirs go by the trace id, and
    that is the caller's.
    """

    def __init__(self, settings: TracingSettings, service: str) -> None:
        self._ratio = settings.ratio
        self.callers_decide = settings.callers_decide
        self._exporter = WatchedExporter(settings)
        self._processor = _CountedSpans(self._exporter)
        resource = {
            "service.name": settings.otel_service_name or service,
            "service.namespace": "sluice",
            "service.instance.id": uuid.uuid4().hex,
        }
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create(resource),
            shutdown_on_exit=False,  # `close` does that, and does not wait for ever
            span_limits=SpanLimits(
                max_attributes=32, max_events=32, max_links=_MAX_LINKS, max_attribute_length=1_000
            ),
        )
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("sluice")

    def draws(self) -> bool:
        """As in `Tracer`. No caller can foresee it."""
        return random.random() < self._ratio  # noqa: S311 - it guards no secret

    def start(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        *,
        links: Sequence[TraceContext] = (),
        started_ns: int | None = None,
    ) -> RecordedSpan:
        """As in `Tracer`."""
        context = Context()
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(_span_context(parent)), context)
        span = self._tracer.start_span(
            name,
            context,
            _KINDS[kind],
            links=[Link(_span_context(link)) for link in links[:_MAX_LINKS]],
            start_time=started_ns,
        )
        return RecordedSpan(cast("SdkSpan", span))  # with that sampler there is no other

    def close(self, timeout_seconds: float) -> None:
        """As in `Tracer`. A receiver that did not take the last batch is not waited for."""
        flushing = threading.Thread(target=self._processor.shutdown, daemon=True)
        flushing.start()
        flushing.join(0 if self._exporter.is_failing else timeout_seconds)
        if flushing.is_alive():
            self._exporter.shutdown()
        self._exporter.tell_total(self._processor.ended)


def _span_context(context: TraceContext) -> SpanContext:
    state = TraceState.from_header([context.state]) if context.state else None
    return SpanContext(
        context.trace_id, context.span_id, is_remote=True, trace_flags=_SAMPLED, trace_state=state
    )
