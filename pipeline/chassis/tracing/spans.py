"""What the rest of Sluice knows of a span, whoever records it."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from pipeline.chassis.tracing.context import TraceContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool


class Span(Protocol):
    """A span that is being recorded. Nothing of it may be a body, a token, or the id of a person."""

    @property
    def context(self) -> TraceContext:
        """How others name it: as their parent, or in a link."""
        ...

    def describe(self, attributes: Mapping[str, Value]) -> None:
        """Adds attributes, or replaces those of the same name."""
        ...

    def rename(self, name: str) -> None:
        """The name from now on, when it could not be known before."""
        ...

    def note(self, event: str, attributes: Mapping[str, Value]) -> None:
        """Something that happened just now."""
        ...

    def link(self, other: TraceContext) -> None:
        """Points to another span. Nothing happens when this one has ended."""
        ...

    def end(self, error: str = "", *, ended_ns: int | None = None) -> None:
        """Ends it; `error` is the kind of failure, from a closed set. Only the first call counts."""
        ...


class Tracer(Protocol):
    """Records spans, and sends them away by itself."""

    @property
    def callers_decide(self) -> bool:
        """Whether a caller that names its trace decides that its request is traced, or that it is not."""
        ...

    def draws(self) -> bool:
        """Whether chance has it that the next request is traced."""
        ...

    def start(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None,
        *,
        links: Sequence[TraceContext] = (),
        started_ns: int | None = None,
    ) -> Span:
        """A new span; without a parent it begins a trace. `started_ns` is nanoseconds since the epoch."""
        ...

    def close(self, timeout_seconds: float) -> None:
        """Sends what is left, as far as that is possible in the time."""
        ...
