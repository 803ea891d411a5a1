"""Tracing that is on for one test."""

from collections.abc import Iterator

import pytest

from pipeline.chassis.tracing import leave
from pipeline.chassis.tracing.active import set_tracer
from tests.unit.chassis.tracing.recording import RecordingTracer


@pytest.fixture
def tracer() -> Iterator[RecordingTracer]:
    set_tracer(tracer := RecordingTracer())
    yield tracer
    set_tracer(None)
    leave()
