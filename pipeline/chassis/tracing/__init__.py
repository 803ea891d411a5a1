"""Traces: the way of one request through all processes, as OpenTelemetry knows it. Off unless an endpoint is set.

The decision to trace falls once, when a request comes in (`requests.py`). It then goes with the request: in the
variable that `current` reads, in the headers of messages (`context.py`), and back out of them. So where nothing is
traced a step costs one look at a variable, and OpenTelemetry (`sdk.py`, `export.py`) is not even loaded.

    request ──▶ SERVER ──▶ PRODUCER: publish events.<source> ══ traceparent ══▶ CONSUMER: process events.<source>
                                                                                 ├─ decode
                                                                                 ├─ CLIENT: INSERT event_ledger
                                                                                 ├─ settle
                                                                                 └─ live counters, notifications

Several requests share a message, and several messages a transaction. A span over them is the child of the first, with
links to all; where the others' spans still go on they get a link to it.
"""

from pipeline.chassis.tracing.active import (
    NOTHING,
    add_event,
    begin_span,
    child,
    current,
    following,
    is_on,
    leave,
    merging,
    record,
    sampled_context,
    start_tracing,
    stop_tracing,
)
from pipeline.chassis.tracing.context import TraceContext
from pipeline.chassis.tracing.occasion import TracedOccasion
from pipeline.chassis.tracing.requests import begin_request, end_request
from pipeline.chassis.tracing.settings import TracingSettings
from pipeline.chassis.tracing.spans import Span, Value

__all__ = [
    "NOTHING",
    "Span",
    "TraceContext",
    "TracedOccasion",
    "TracingSettings",
    "Value",
    "add_event",
    "begin_request",
    "begin_span",
    "child",
    "current",
    "end_request",
    "following",
    "is_on",
    "leave",
    "merging",
    "record",
    "sampled_context",
    "start_tracing",
    "stop_tracing",
]
