"""The tracer of this process, the span at work, and the ways to begin another."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from types import TracebackType

from pipeline.chassis.tracing.context import TraceContext, message_context
from pipeline.chassis.tracing.settings import TracingSettings
from pipeline.chassis.tracing.spans import Kind, Span, Tracer, Value

_FLUSH_SECONDS = 1.0

_tracer: Tracer | None = None
_current: ContextVar[Span | None] = ContextVar("span", default=None)
NOTHING: AbstractContextManager[Span | None] = nullcontext()
"""What a `with` gets where nothing is traced."""


def start_tracing(settings: TracingSettings, service: str) -> None:
    """Turns tracing on for this process, where it is configured. Call it once, in `__main__`."""
    if not settings.address:
        return
    # Here and not above: it costs memory and time at every start, and most starts have no use for it.
    from pipeline.chassis.tracing.sdk import OpenTelemetry

    set_tracer(OpenTelemetry(settings, service))


def stop_tracing() -> None:
    """Sends the last spans, for a second at most, and turns tracing off."""
    tracer, _ = _tracer, set_tracer(None)
    if tracer is not None:
        tracer.close(_FLUSH_SECONDS)


def set_tracer(tracer: Tracer | None) -> None:
    """The tracer from now on, for the whole process."""
    global _tracer  # as for logging, there is one in a process
    _tracer = tracer


def is_on() -> bool:
    """Whether anything is traced at all."""
    return _tracer is not None


def current() -> Span | None:
    """The span of what is being done here, if that is traced."""
    return _current.get()


def leave() -> None:
    """What comes now in this task is no part of the trace of whoever began the task."""
    _current.set(None)


class _Within:
    """A span as long as a `with` block. What leaves it by an exception has failed by the exception's type.

    The message of an exception may quote what somebody sent, so it never becomes part of a span.
    """

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._token = _current.set(self._span)
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        self._span.end(kind.__name__ if kind else "")


def begin_span(name: str, kind: Kind, parent: Callable[[], TraceContext | None]) -> Span | None:
    """The span of a request, when it is to be traced; its `end` is the caller's business.

    `parent` reads what its caller says, and is not even asked where chance decides and decides against it.
    """
    _current.set(None)  # the task may have been begun by a request that had one
    tracer = _tracer
    if tracer is None:
        return None
    said = parent() if tracer.callers_decide else None
    if not (said.sampled if said is not None else tracer.draws()):
        return None
    span = tracer.start(name, kind, parent())
    _current.set(span)
    return span


def child(
    name: str, kind: Kind = "internal", attributes: Mapping[str, Value] | None = None
) -> AbstractContextManager[Span | None]:
    """A span inside the current one, or nothing where there is none."""
    parent, tracer = _current.get(), _tracer
    if parent is None or tracer is None:
        return NOTHING
    span = tracer.start(name, kind, parent.context)
    if attributes:
        span.describe(attributes)
    return _Within(span)


def following(
    origins: Sequence[TraceContext], name: str, kind: Kind = "internal", *, started_ns: int | None = None
) -> AbstractContextManager[Span | None]:
    """A span over what came from all of these: the first one's child, with links to each. Nothing without any."""
    tracer = _tracer
    if tracer is None or not origins:
        return NOTHING
    return _Within(tracer.start(name, kind, origins[0], links=origins, started_ns=started_ns))


def merging(origins: Sequence[Span], name: str, kind: Kind) -> AbstractContextManager[Span | None]:
    """As `following`, for spans of this process: those that are not the parent get a link to it, too."""
    tracer = _tracer
    if tracer is None or not origins:
        return NOTHING
    contexts = [origin.context for origin in origins]
    span = tracer.start(name, kind, contexts[0], links=contexts)
    for origin in origins[1:]:
        origin.link(span.context)
    return _Within(span)


def record(name: str, started_ns: int, ended_ns: int, attributes: Mapping[str, Value]) -> None:
    """A span inside the current one that is over already. Times are nanoseconds since the epoch."""
    parent, tracer = _current.get(), _tracer
    if parent is None or tracer is None:
        return
    span = tracer.start(name, "internal", parent.context, started_ns=started_ns)
    span.describe(attributes)
    span.end(ended_ns=ended_ns)


def add_event(name: str, attributes: Mapping[str, Value]) -> None:
    """Something that happened just now to what is being done here."""
    if (span := _current.get()) is not None:
        span.note(name, attributes)


def sampled_context(headers: Mapping[str, str]) -> TraceContext | None:
    """The trace that a message belongs to, when it is recorded."""
    if _tracer is None:
        return None
    context = message_context(headers)
    return context if context is not None and context.sampled else None
