"""A tracer that keeps what it is told, and traces what the test says."""

from collections.abc import Mapping, Sequence
from itertools import count

from pipeline.chassis.tracing import Span, TraceContext, Value
from pipeline.chassis.tracing.spans import Kind


class RecordedSpan:
    def __init__(
        self,
        name: str,
        kind: Kind,
        context: TraceContext,
        parent: TraceContext | None,
        links: Sequence[TraceContext],
    ) -> None:
        self.name, self.kind, self.context, self.parent = name, kind, context, parent
        self.links = list(links)
        self.attributes: dict[str, Value] = {}
        self.notes: list[str] = []
        self.error: str | None = None
        """None until it has ended."""

    def describe(self, attributes: Mapping[str, Value]) -> None:
        self.attributes.update(attributes)

    def rename(self, name: str) -> None:
        self.name = name

    def note(self, event: str, attributes: Mapping[str, Value]) -> None:
        self.notes.append(event)

    def link(self, other: TraceContext) -> None:
        self.links.append(other)

    def end(self, error: str = "", *, ended_ns: int | None = None) -> None:
        self.error = error


class RecordingTracer:
    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []
        self.callers_decide = False
        self.traced = True
        self.drawn = 0
        self._ids = count(1)

    def draws(self) -> bool:
        self.drawn += 1
        return self.traced

    def start(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        *,
        links: Sequence[TraceContext] = (),
        started_ns: int | None = None,
    ) -> Span:
        span_id = next(self._ids)
        context = TraceContext(parent.trace_id if parent else 1_000 + span_id, span_id, True)
        self.spans.append(span := RecordedSpan(name, kind, context, parent, links))
        return span

    def close(self, timeout_seconds: float) -> None:
        pass
