"""Settings of tracing: OpenTelemetry's own names, where they pass through us, and one of ours.

The SDK reads the rest of its variables by itself, such as OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_MAX_QUEUE_SIZE or
OTEL_EXPORTER_OTLP_CERTIFICATE.
"""

from typing import Literal
from urllib.parse import urlsplit

import msgspec


class TracingSettings(msgspec.Struct, frozen=True):
    otel_exporter_otlp_endpoint: str = ""
    """Where traces go, by OTLP over HTTP, such as http://127.0.0.1:4318. Without it there is no tracing."""
    otel_exporter_otlp_traces_endpoint: str = ""
    """The same with its whole path, in place of the one above."""
    otel_exporter_otlp_protocol: Literal["http/protobuf"] = "http/protobuf"
    """The one that is spoken here."""
    otel_exporter_otlp_headers: str = ""
    """Headers for whoever receives the traces, as name=value, several separated by commas: a secret, perhaps."""
    otel_service_name: str = ""
    """The name of the service in traces; by default the one in its logs."""
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = "parentbased_traceidratio"
    """Which requests are traced."""
    otel_traces_sampler_arg: float = 0.01
    """The part of them, from 0 to 1, for a sampler that has `ratio` in its name."""
    otel_sdk_disabled: bool = False
    """Off, whatever else is set."""
    trace_parents_trusted: bool = False
    """Whether a caller's `traceparent` decides that its request is traced, or not. Otherwise the ratio decides."""

    def __post_init__(self) -> None:
        for variable in ("otel_exporter_otlp_endpoint", "otel_exporter_otlp_traces_endpoint"):
            if (text := getattr(self, variable)) and not _is_address(text):
                raise ValueError(f"{variable.upper()}: expected an address such as http://127.0.0.1:4318")
        if not 0 <= self.otel_traces_sampler_arg <= 1:
            raise ValueError("OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1")

    @property
    def address(self) -> str:
        """Where spans are POSTed; empty when there is no tracing."""
        if self.otel_sdk_disabled:
            return ""
        if self.otel_exporter_otlp_traces_endpoint:
            return self.otel_exporter_otlp_traces_endpoint
        base = self.otel_exporter_otlp_endpoint.removesuffix("/")
        return f"{base}/v1/traces" if base else ""

    @property
    def ratio(self) -> float:
        """The part of the requests that is traced where no caller decides."""
        if self.otel_traces_sampler.endswith("traceidratio"):
            return self.otel_traces_sampler_arg
        return float(self.otel_traces_sampler.endswith("always_on"))

    @property
    def callers_decide(self) -> bool:
        """Whether a caller's decision is honoured."""
        return self.trace_parents_trusted and self.otel_traces_sampler.startswith("parentbased")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or brackets that do not match
        return False
