"""*Event Processing System*: an event's way through the gateway, the collectors and the reports."""

from grafana_foundation_sdk.models.dashboard import Panel

from ops.grafana import frame, palette
from ops.grafana.frame import Board, Section
from ops.grafana.panels import Figure, lines, number
from ops.grafana.queries import now, over_time

_AT_THE_GATEWAY = 'service="gateway",source=~"$source"'
_AT_COLLECTORS = 'service=~".+-collector",source=~"$source"'


def board() -> Board:
    """The dashboard to begin with."""
    gateway = [_total(*each) for each in _TOTALS]
    collectors = [_stacked(*each) for each in _RATES]
    return Board(
        uid="sluice-events",
        title="Event Processing System",
        description="How many events come in, are stored and are refused, and how fast reports are.",
        variables=[frame.sources_variable()],
        sections=[
            Section(heading="Gateway", panels=[*gateway, _refused_share(), _gateway_rates(), _refusals()]),
            Section(heading="Collectors: events a second, over a minute", panels=collectors),
            Section(heading="From acceptance to the reports", panels=[_end_to_end(), _write()]),
            Section(
                heading="Reporter", panels=[_report_latency(), _report_medians(), _reports(), _report_lag()]
            ),
        ],
    )


_TOTALS = (
    ("Accepted", "accepted", "Events that were received and are valid"),
    ("Processed", "processed", "Events that JetStream has acknowledged, which means that they are on disk"),
    (
        "Failed",
        "failed",
        "Events that were invalid (these are kept as dead letters), forbidden, or not published",
    ),
)
_RATES = (
    ("Collectors: accepted", "accepted", "Events that were delivered to the collectors."),
    ("Collectors: processed", "processed", "Events that are committed in Postgres, and new there."),
    (
        "Collectors: failed",
        "failed",
        "Events that became dead letters, and those of every attempt at writing that is repeated.",
    ),
)


def _total(title: str, name: str, description: str) -> Panel:
    return number(
        Figure(
            title=title,
            description=f"{description}, since the gateways that run now were started.",
            unit="short",
            queries=[over_time(f"sum(events_{name}_total{{{_AT_THE_GATEWAY}}}) or vector(0)", name)],
            width=6,
            height=5,
        ),
        graph=True,
    )


def _refused_share() -> Panel:
    failed = f"(sum(rate(events_failed_total{{{_AT_THE_GATEWAY}}}[$__rate_interval])) or vector(0))"
    good = f"(sum(rate(events_accepted_total{{{_AT_THE_GATEWAY}}}[$__rate_interval])) or vector(0))"
    return number(
        Figure(
            title="Failing",
            description="The share of events that fail at the gateway at the moment. The firehose has "
            "about one bad event in 250,000; a sender with a wrong format shows here at once.",
            unit="percentunit",
            queries=[over_time(f"{failed} / clamp_min({failed} + {good}, 1e-9)", "failing")],
            width=6,
            height=5,
            limits=(0.01, 0.05),
            decimals=2,
        ),
        graph=True,
    )


def _gateway_rates() -> Panel:
    rates = [
        over_time(f"sum(rate(events_{name}_total{{{_AT_THE_GATEWAY}}}[1m])) or vector(0)", name)
        for name in ("accepted", "processed", "failed")
    ]
    return lines(
        Figure(
            title="Gateway: events a second",
            description="The same three as rates over a minute. *Accepted* above *processed* for long "
            "means that JetStream does not keep up.",
            unit="eps",
            colours=palette.OUTCOMES,
            queries=rates,
        )
    )


def _refusals() -> Panel:
    rate = f"sum by (source, error_type) (rate(events_failed_total{{{_AT_THE_GATEWAY}}}[1m]))"
    return lines(
        Figure(
            title="Gateway: failed, by reason",
            description="Events a second that were refused, by source and reason. `unavailable` is not "
            "the sender's fault: JetStream was away, slow or full, and the sender was told to come again.",
            unit="eps",
            colours=palette.SOURCES,
            queries=[over_time(f"{rate} or on() vector(0)", "{{source}} {{error_type}}")],
        ),
        stacked=True,
    )


def _stacked(title: str, name: str, description: str) -> Panel:
    rate = f"sum by (source) (rate(events_{name}_total{{{_AT_COLLECTORS}}}[1m]))"
    return lines(
        Figure(
            title=title,
            description=f"{description} All collectors of a source together.",
            unit="eps",
            colours=palette.SOURCES,
            queries=[over_time(f"{rate} or on() vector(0)", "{{source}}")],
            width=8,
        ),
        stacked=True,
    )


def _end_to_end() -> Panel:
    quantiles = [
        over_time(
            f"histogram_quantile({quantile}, sum by (le) "
            f'(rate(event_end_to_end_seconds_bucket{{source=~"$source"}}[$__rate_interval])))',
            f"p{quantile * 100:.0f}",
        )
        for quantile in (0.5, 0.95, 0.99)
    ]
    return lines(
        Figure(
            title="From acceptance to commit",
            description="The time from the acceptance of a record batch at the gateway to the commit that "
            "makes it visible in reports, by percentile.",
            unit="s",
            colours=palette.PERCENTILES,
            queries=quantiles,
            limits=(5, 30),
        )
    )


def _write() -> Panel:
    buckets = 'event_processing_duration_seconds_bucket{source=~"$source"}'
    return lines(
        Figure(
            title="Decoding and writing a batch, p95",
            description="The time from decoding a merged batch to its commit. It grows with the size of "
            "batches, so with the load, and with everything that slows Postgres down.",
            unit="s",
            colours=palette.SOURCES,
            queries=[
                over_time(
                    f"histogram_quantile(0.95, sum by (le, source) (rate({buckets}[$__rate_interval])))",
                    "{{source}}",
                )
            ],
        )
    )


def _report_latency() -> Panel:
    return lines(_latency_of_reports("Latency by report, p95", 0.95))


def _report_medians() -> Panel:
    return lines(_latency_of_reports("Latency by report, median", 0.5))


def _latency_of_reports(title: str, quantile: float) -> Figure:
    buckets = "sum by (le, report_type) (rate(report_duration_seconds_bucket[$__rate_interval]))"
    return Figure(
        title=title,
        description="The time to make a report, without sending it. A report costs as much as its answer "
        "is large; one that takes seconds reads what it should not.",
        unit="s",
        queries=[over_time(f"histogram_quantile({quantile}, {buckets})", "{{report_type}}")],
        limits=(1, 5),
    )


def _reports() -> Panel:
    return lines(
        Figure(
            title="Reports a second",
            description="Reports that were made, by type.",
            unit="reqps",
            queries=[
                over_time(
                    "sum by (report_type) (rate(report_duration_seconds_count[$__rate_interval]))",
                    "{{report_type}}",
                )
            ],
        ),
        stacked=True,
    )


def _report_lag() -> Panel:
    return number(
        Figure(
            title="How old reports are",
            description="X-Data-Lag-Seconds of the latest report of each type: the age of the oldest "
            "event that was accepted and not yet in it.",
            unit="s",
            queries=[now("max by (report_type) (report_data_lag_seconds)", "{{report_type}}")],
            limits=(10, 60),
            decimals=1,
        )
    )
