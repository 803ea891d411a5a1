"""Where traces go, and who decides which."""

from typing import Any

import pytest

from pipeline.chassis.settings import load_settings
from pipeline.chassis.tracing import TraceContext, TracingSettings
from pipeline.chassis.tracing.sdk import OpenTelemetry
from pipeline.errors import ConfigurationError

ENDPOINT = "http://127.0.0.1:4318"


def settings(**variables: str) -> TracingSettings:
    return load_settings(TracingSettings, variables)


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT}, f"{ENDPOINT}/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": f"{ENDPOINT}/"}, f"{ENDPOINT}/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{ENDPOINT}/in"}, f"{ENDPOINT}/in"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_SDK_DISABLED": "true"}, ""),
    ],
)
def test_traces_go_to_the_endpoint(variables: dict[str, str], address: str) -> None:
    assert settings(**variables).address == address


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://host:port"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan"),
    ],
)
def test_a_wrong_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        settings(**{variable: value})


SAMPLED = TraceContext(1, 1, True)
UNSAMPLED = TraceContext(2**64 - 1, 1, False)


@pytest.mark.parametrize(
    ("variables", "ratios"),
    [
        # of requests without a parent, with one that is sampled, and with one that is not
        ({"OTEL_TRACES_SAMPLER": "always_on"}, (1, 1, 1)),
        ({"OTEL_TRACES_SAMPLER": "always_off", "TRACE_PARENTS_TRUSTED": "true"}, (0, 0, 0)),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.5"}, (0.5, 0.5, 0.5)),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.5", "TRACE_PARENTS_TRUSTED": "true"}, (0.5, 1, 0)),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "TRACE_PARENTS_TRUSTED": "true"}, (0.01, 0.01, 0.01)),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off", "TRACE_PARENTS_TRUSTED": "true"}, (0, 1, 0)),
    ],
)
def test_a_caller_decides_only_when_it_is_trusted(variables: dict[str, str], ratios: tuple[Any, ...]) -> None:
    tracer = OpenTelemetry(settings(OTEL_EXPORTER_OTLP_ENDPOINT=ENDPOINT, **variables), "gateway")
    draws = 4_000
    counts = [sum(tracer.begins(parent) for _ in range(draws)) for parent in (None, SAMPLED, UNSAMPLED)]
    tracer.close(1)
    assert [count / draws for count in counts] == pytest.approx(ratios, abs=0.05)
