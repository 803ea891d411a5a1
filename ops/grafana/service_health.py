"""*Service health*: does every process run, is it ready, how does it answer, and what does it take."""

from grafana_foundation_sdk.models.dashboard import Panel

from ops.grafana import frame, palette
from ops.grafana import service_http as http
from ops.grafana import service_machine as machine
from ops.grafana.frame import Board, Section
from ops.grafana.panels import Figure, lines, number, rows
from ops.grafana.queries import now, over_time, rows_now

_OURS = 'service=~"$service"'
_YES_NO = {"0": "no", "1": "yes"}


def board() -> Board:
    """Where to look when something is wrong."""
    return Board(
        uid="sluice-health",
        title="Service health",
        description="Whether every service runs and is ready, how it answers, and what it takes of the "
        "machine.",
        variables=[frame.services_variable()],
        sections=[
            Section(heading="Now", panels=[_firing(), _canary(), _up(), _ready()]),
            Section(heading="Over time", panels=[_checks(), _alerts(), _canaries(), _uptime()]),
            Section(
                heading="HTTP",
                panels=[http.rates(), http.latency(), http.server_errors(), http.connections()],
            ),
            Section(
                heading="Processes",
                panels=[machine.memory(), machine.processor(), machine.files(), machine.live_updates()],
            ),
            Section(
                heading="Postgres and disks",
                panels=[machine.postgres(), machine.database(), machine.disks(), machine.expiries()],
            ),
        ],
    )


def _firing() -> Panel:
    return number(
        Figure(
            title="Alerts firing",
            description="Rules of Prometheus that fire at the moment. *Alerts* below names them, and "
            "docs/operations.md has a runbook for each.",
            unit="short",
            queries=[now('count(ALERTS{alertstate="firing"}) or vector(0)', "firing")],
            width=4,
            height=6,
            limits=(1, 3),
        )
    )


def _canary() -> Panel:
    return number(
        Figure(
            title="Canary",
            description="The age of the youngest canary that came the whole way into Postgres. One is "
            "sent every ten seconds.",
            unit="s",
            queries=[now("max by (source) (pipeline_canary_age_seconds)", "{{source}}")],
            width=6,
            height=6,
            limits=(30, 60),
            decimals=0,
        )
    )


def _up() -> Panel:
    return number(
        Figure(
            title="Processes that answer",
            description="Of each service, how many processes Prometheus reaches.",
            unit="short",
            queries=[now(f"sum by (service) (up{{{_OURS}}})", "{{service}}")],
            width=7,
            height=6,
            limits=(1, 0.5),
        )
    )


def _ready() -> Panel:
    return number(
        Figure(
            title="Ready",
            description="Whether all processes of a service are ready: every dependency that it cannot do "
            "without answers.",
            unit="none",
            queries=[now(f"min by (service) (service_ready{{{_OURS}}})", "{{service}}")],
            width=7,
            height=6,
            limits=(1, 0.5),
        ),
        words=_YES_NO,
    )


def _checks() -> Panel:
    return rows(
        Figure(
            title="Checks",
            description="What each service asks before it calls itself ready, and whether it passes. "
            "Redis and notifications may fail: then a collector stores events as ever, and the live "
            "counters wait.",
            unit="none",
            queries=[rows_now(f"sort(min by (service, check) (service_check_passed{{{_OURS}}}))")],
            width=6,
            limits=(1, 0.5),
            transformations=[
                ("organize", {"excludeByName": {"Time": True}, "renameByName": {"Value": "passes"}})
            ],
        ),
        words=("passes", _YES_NO),
    )


def _alerts() -> Panel:
    return lines(
        Figure(
            title="Alerts",
            description="Rules that are pending or firing, by name.",
            unit="short",
            queries=[
                over_time(
                    "count by (alertname, alertstate) (ALERTS) or on() vector(0)",
                    "{{alertname}} {{alertstate}}",
                )
            ],
            width=6,
        ),
        stacked=True,
    )


def _canaries() -> Panel:
    return lines(
        Figure(
            title="Canaries a minute",
            description="Canaries that were sent, by source and by what came of them.",
            unit="cpm",
            colours=palette.SOURCES,
            queries=[
                over_time(
                    "60 * sum by (source, outcome) (rate(pipeline_canaries_total[$__rate_interval]))",
                    "{{source}} {{outcome}}",
                )
            ],
            width=6,
        ),
        stacked=True,
    )


def _uptime() -> Panel:
    return lines(
        Figure(
            title="Uptime",
            description="Since the youngest process of each service was started. A saw says that it is "
            "started again and again.",
            unit="s",
            colours=palette.SERVICES,
            queries=[over_time(f"min by (service) (service_uptime_seconds{{{_OURS}}})", "{{service}}")],
            width=6,
        )
    )
