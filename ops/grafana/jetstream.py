"""*JetStream*: what waits in the streams, how fast it moves, and how full they are."""

from grafana_foundation_sdk.models.dashboard import Panel

from ops.grafana import frame, palette
from ops.grafana.frame import Board, Section
from ops.grafana.panels import Figure, lines, number
from ops.grafana.queries import now, over_time


def board() -> Board:
    """Everything between the gateway and the collectors."""
    return Board(
        uid="sluice-jetstream",
        title="JetStream",
        description="Lag, throughput, fill and redeliveries of the streams, and how NATS is.",
        variables=[frame.sources_variable()],
        sections=[
            Section(heading="Lag", panels=[_waiting(), _oldest(), _catch_up()]),
            Section(heading="Throughput", panels=[_in_and_out(), _redelivered()]),
            Section(heading="Streams", panels=[_fill(), _bytes(), _messages(), _dead_letters()]),
            Section(heading="Server", panels=[_connections(), _memory(), _slow(), _stored()]),
        ],
    )


def _waiting() -> Panel:
    return lines(
        Figure(
            title="Events that wait",
            description="Accepted and not yet stored, by source; estimated from the size of the batches.",
            unit="short",
            colours=palette.SOURCES,
            queries=[
                over_time('max by (source) (consumer_lag_events{source=~"$source"})', "{{source}}"),
            ],
            width=8,
        )
    )


def _oldest() -> Panel:
    return lines(
        Figure(
            title="Age of the oldest event that waits",
            description="How far reports are behind, by source. A dead collector lets it grow: one that "
            "lives stays below a second or two.",
            unit="s",
            colours=palette.SOURCES,
            queries=[over_time('max by (source) (consumer_lag_seconds{source=~"$source"})', "{{source}}")],
            width=8,
            limits=(10, 60),
        )
    )


def _catch_up() -> Panel:
    return lines(
        Figure(
            title="Time to catch up",
            description="Until nothing waits, at the pace of the last seconds, by source. A gap in the "
            "line says that the backlog does not shrink: start another collector.",
            unit="s",
            colours=palette.SOURCES,
            queries=[
                over_time('min by (source) (consumer_catch_up_seconds{source=~"$source"})', "{{source}}")
            ],
            width=8,
            limits=(60, 600),
            no_value="never",
        )
    )


def _in_and_out() -> Panel:
    gateway = 'events_processed_total{service="gateway",source=~"$source"}'
    stored = 'events_processed_total{service=~".+-collector",source=~"$source"}'
    known = 'events_duplicate_total{service=~".+-collector",source=~"$source"}'
    return lines(
        Figure(
            title="Events in and out",
            description="Published by the gateway; taken out and stored by the collectors; taken out and "
            "stored already (duplicates). Lag grows while *in* is more than both *out* together.",
            unit="eps",
            colours=palette.FLOWS,
            queries=[
                over_time(f"sum(rate({gateway}[$__rate_interval])) or vector(0)", "in"),
                over_time(f"sum(rate({stored}[$__rate_interval])) or vector(0)", "out, new"),
                over_time(f"sum(rate({known}[$__rate_interval])) or vector(0)", "out, duplicate"),
            ],
        )
    )


def _redelivered() -> Panel:
    return lines(
        Figure(
            title="Redeliveries",
            description="Record batches a second that a collector was given, and that a collector had "
            "before and did not settle: because it was stopped or killed, or because Postgres was away "
            "for longer than a batch is kept alive. Nothing is stored twice for that.",
            unit="ops",
            colours=palette.SOURCES,
            queries=[
                over_time(
                    'sum by (source) (rate(batches_redelivered_total{source=~"$source"}[$__rate_interval]))',
                    "{{source}}",
                )
            ],
        ),
        stacked=True,
    )


def _fill() -> Panel:
    return number(
        Figure(
            title="Fill",
            description="Bytes in each stream, as a share of what it may hold. At 100 % EVENTS refuses, "
            "and the gateway answers 503; the other two drop their oldest.",
            unit="percentunit",
            queries=[
                now("max by (stream) (stream_bytes) / max by (stream) (stream_max_bytes)", "{{stream}}")
            ],
            width=6,
            limits=(0.6, 0.8),
            decimals=2,
        )
    )


def _bytes() -> Panel:
    return lines(
        Figure(
            title="Bytes",
            description="What each stream holds.",
            unit="bytes",
            colours=palette.STREAMS,
            queries=[over_time("max by (stream) (stream_bytes)", "{{stream}}")],
            width=6,
        )
    )


def _messages() -> Panel:
    return lines(
        Figure(
            title="Messages",
            description="Record batches in EVENTS, messages of up to 500 dead letters in DEAD_LETTERS, "
            "one notification each in NOTIFICATIONS.",
            unit="short",
            colours=palette.STREAMS,
            queries=[over_time("max by (stream) (stream_messages)", "{{stream}}")],
            width=6,
        )
    )


def _dead_letters() -> Panel:
    kept = "sum by (source, reason) (job_source_reason:dead_letters:increase10m)"
    return lines(
        Figure(
            title="Dead letters in ten minutes",
            description="Events that were refused and kept, at the gateway or at a collector, by source and reason. "
            "`./sluice dead-letters list` shows them.",
            unit="short",
            colours=palette.SOURCES,
            queries=[over_time(f"{kept} or on() vector(0)", "{{source}} {{reason}}")],
            width=6,
            decimals=0,
        ),
        stacked=True,
    )


def _connections() -> Panel:
    return _of_server("Connections", "Clients of the server.", "short", "gnatsd_varz_connections")


def _memory() -> Panel:
    return _of_server("Memory", "What the server's process takes.", "bytes", "gnatsd_varz_mem")


def _slow() -> Panel:
    return _of_server(
        "Slow consumers",
        "Clients that the server has cut off since its start, because they did not read what they had "
        "asked for.",
        "short",
        "gnatsd_varz_slow_consumers",
        limits=(1, 10),
    )


def _stored() -> Panel:
    return _of_server(
        "In files",
        "What JetStream holds in files, all streams together.",
        "bytes",
        "jetstream_server_total_message_bytes",
    )


def _of_server(
    title: str, description: str, unit: str, metric: str, limits: tuple[float, float] | None = None
) -> Panel:
    return number(
        Figure(
            title=title,
            description=f"{description} The sum over the nodes of a cluster.",
            unit=unit,
            queries=[over_time(f"sum(max by (server_id) ({metric}))", title.lower())],
            width=6,
            height=5,
            limits=limits,
        ),
        graph=True,
    )
