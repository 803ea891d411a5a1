"""What *Service health* tells of requests: how many, how fast, how many fail, and over how many connections."""

from grafana_foundation_sdk.models.dashboard import Panel

from ops.grafana import palette
from ops.grafana.panels import Figure, lines
from ops.grafana.queries import over_time

_OURS = 'service=~"$service"'
_REQUESTS = f"http_request_duration_seconds_count{{{_OURS}}}"


def rates() -> Panel:
    """*Requests a second*."""
    return lines(
        Figure(
            title="Requests a second",
            description="Answers by service, probes and scrapes among them.",
            unit="reqps",
            colours=palette.SERVICES,
            queries=[over_time(f"sum by (service) (rate({_REQUESTS}[$__rate_interval]))", "{{service}}")],
            width=6,
        ),
        stacked=True,
    )


def latency() -> Panel:
    """*Latency by route, p95*."""
    buckets = f'http_request_duration_seconds_bucket{{{_OURS},route!~"/health.*|/metrics"}}'
    return lines(
        Figure(
            title="Latency by route, p95",
            description="From the first byte of a request to the last byte of its answer, without probes "
            "and scrapes. A body of 25,000 events takes as long as its sender needs to send it.",
            unit="s",
            colours=palette.SERVICES,
            queries=[
                over_time(
                    f"histogram_quantile(0.95, sum by (le, service, route) (rate({buckets}[$__rate_interval])))",
                    "{{service}} {{route}}",
                )
            ],
            width=6,
            limits=(1, 5),
        )
    )


def server_errors() -> Panel:
    """*Answers of 5xx, as a share*."""
    failed = f'http_request_duration_seconds_count{{{_OURS},status=~"5.."}}'
    return lines(
        Figure(
            title="Answers of 5xx, as a share",
            description="Requests that a service could not serve, by service. A 503 of a probe counts: a "
            "service that is not ready shows here, too.",
            unit="percentunit",
            colours=palette.SERVICES,
            queries=[
                over_time(
                    f"(sum by (service) (rate({failed}[$__rate_interval]))"
                    f" or 0 * sum by (service) (rate({_REQUESTS}[$__rate_interval])))"
                    f" / sum by (service) (rate({_REQUESTS}[$__rate_interval]))",
                    "{{service}}",
                )
            ],
            width=6,
            limits=(0.01, 0.05),
        )
    )


def connections() -> Panel:
    """*Connections*."""
    return lines(
        Figure(
            title="Connections",
            description="Open connections and WebSockets by service.",
            unit="short",
            colours=palette.SERVICES,
            queries=[
                over_time(f"sum by (service) (http_connections_open{{{_OURS}}})", "{{service}}"),
                over_time(
                    f"sum by (service) (websockets_open{{{_OURS}}}) > 0 or on() vector(0)",
                    "{{service}} WebSockets",
                ),
            ],
            width=6,
        )
    )
