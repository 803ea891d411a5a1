"""Where traces go, and who decides which."""

import pytest

from pipeline.chassis.settings import load_settings
from pipeline.chassis.tracing import TracingSettings
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


@pytest.mark.parametrize(
    ("variables", "ratio", "callers_decide"),
    [
        ({}, 0.01, False),
        ({"OTEL_TRACES_SAMPLER": "always_on", "TRACE_PARENTS_TRUSTED": "true"}, 1, False),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, 0, False),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.5"}, 0.5, False),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.5", "TRACE_PARENTS_TRUSTED": "true"}, 0.5, True),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "TRACE_PARENTS_TRUSTED": "true"}, 0.01, False),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off", "TRACE_PARENTS_TRUSTED": "true"}, 0, True),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_on"}, 1, False),
    ],
)
def test_a_caller_decides_only_when_it_is_trusted(
    variables: dict[str, str], ratio: float, callers_decide: bool
) -> None:
    tracer = OpenTelemetry(settings(OTEL_EXPORTER_OTLP_ENDPOINT=ENDPOINT, **variables), "gateway")
    draws = 4_000
    share = sum(tracer.draws() for _ in range(draws)) / draws
    tracer.close(1)
    assert (share, tracer.callers_decide) == (pytest.approx(ratio, abs=0.05), callers_decide)
