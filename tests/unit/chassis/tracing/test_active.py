"""Spans over several requests or messages, and work that is done later and elsewhere."""

import asyncio

import pytest

from pipeline.chassis.tracing import (
    NOTHING,
    TraceContext,
    TracedOccasion,
    begin_span,
    child,
    current,
    following,
    leave,
    merging,
    sampled_context,
)
from pipeline.chassis.tracing.active import set_tracer
from tests.unit.chassis.tracing.recording import RecordedSpan, RecordingTracer

CONTEXTS = [TraceContext(number, number, True) for number in (7, 8, 9)]


def test_a_span_over_several_is_the_first_ones_child_and_links_to_each(tracer: RecordingTracer) -> None:
    with following(CONTEXTS, "process", "consumer"), child("inside"):
        pass
    over, inside = tracer.spans
    assert (over.parent, over.links) == (CONTEXTS[0], CONTEXTS)
    assert inside.parent == over.context


def test_requests_that_share_a_message_are_told_of_its_span(tracer: RecordingTracer) -> None:
    origins = [tracer.start("request", "server", None) for _ in range(3)]
    with merging(origins, "publish", "producer"):
        pass
    first, second, third, publish = tracer.spans
    assert publish.parent == first.context
    assert publish.links == [first.context, second.context, third.context]
    assert (first.links, second.links, third.links) == ([], [publish.context], [publish.context])


def test_nothing_traced_is_nothing_to_do(tracer: RecordingTracer) -> None:
    assert child("inside") is following([], "process") is merging([], "publish", "producer") is NOTHING
    assert tracer.spans == []


def test_without_a_tracer_headers_are_not_even_read() -> None:
    set_tracer(None)
    assert sampled_context(CONTEXTS[0].headers()) is None
    assert following(CONTEXTS, "process") is NOTHING
    assert begin_span("GET", "server", lambda: CONTEXTS[0]) is None


def test_a_message_that_is_not_sampled_is_not_followed(tracer: RecordingTracer) -> None:
    assert sampled_context(CONTEXTS[0].headers()) == CONTEXTS[0]
    assert sampled_context(CONTEXTS[0]._replace(sampled=False).headers()) is None
    assert sampled_context({}) is None


async def test_a_task_can_leave_the_trace_of_whoever_began_it(tracer: RecordingTracer) -> None:
    async def later() -> None:
        leave()
        assert child("inside") is NOTHING

    begin_span("POST", "server", lambda: None)
    await asyncio.create_task(later())
    assert child("inside") is not NOTHING


def test_an_occasion_knows_the_spans_that_it_came_from(tracer: RecordingTracer) -> None:
    occasion = TracedOccasion()
    occasion.set()
    assert occasion.take_origins() == []
    with following(CONTEXTS, "process"):
        occasion.set()
    (over,) = tracer.spans
    assert isinstance(over, RecordedSpan)
    assert occasion.take_origins() == [over.context]
    assert occasion.take_origins() == []


def test_an_occasion_that_nobody_looks_at_does_not_grow(tracer: RecordingTracer) -> None:
    occasion = TracedOccasion()
    for _ in range(1_000):
        with following(CONTEXTS, "process"):
            occasion.set()
    assert [origin.span_id for origin in occasion.take_origins()] == list(range(985, 1_001))


@pytest.mark.parametrize(("parent", "draws", "traced"), [(True, 0, True), (False, 0, False), (None, 1, True)])
def test_a_trusted_caller_decides_and_chance_where_it_says_nothing(
    tracer: RecordingTracer, parent: bool | None, draws: int, traced: bool
) -> None:
    tracer.callers_decide = True
    context = None if parent is None else CONTEXTS[0]._replace(sampled=parent)
    assert (begin_span("GET", "server", lambda: context) is not None) == traced
    assert tracer.drawn == draws
    assert (current() is not None) == traced
