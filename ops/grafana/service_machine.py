"""What *Service health* tells of processes, of Postgres and of disks."""

from grafana_foundation_sdk.models.dashboard import Panel

from ops.grafana import palette
from ops.grafana.panels import Figure, lines, number
from ops.grafana.queries import now, over_time

_OURS = 'service=~"$service"'


def memory() -> Panel:
    """*Memory*."""
    return lines(
        Figure(
            title="Memory",
            description="Resident memory of the processes of each service. The query engine of a "
            "collector or a reporter is a process of its own and not in it.",
            unit="bytes",
            colours=palette.SERVICES,
            queries=[
                over_time(f"sum by (service) (process_resident_memory_bytes{{{_OURS}}})", "{{service}}")
            ],
            width=6,
        )
    )


def processor() -> Panel:
    """*Processor*."""
    return lines(
        Figure(
            title="Processor",
            description="Cores that the processes of each service keep busy, without query engines. A "
            "process has one loop: near 1 for each process it is time for another.",
            unit="short",
            colours=palette.SERVICES,
            queries=[
                over_time(
                    f"sum by (service) (rate(process_cpu_seconds_total{{{_OURS}}}[$__rate_interval]))",
                    "{{service}}",
                )
            ],
            width=6,
            decimals=2,
        )
    )


def files() -> Panel:
    """*Open files*."""
    return lines(
        Figure(
            title="Open files",
            description="Open files and sockets, as a share of what the process with the most may have.",
            unit="percentunit",
            colours=palette.SERVICES,
            queries=[
                over_time(
                    f"max by (service) (process_open_fds{{{_OURS}}} / process_max_fds{{{_OURS}}})",
                    "{{service}}",
                )
            ],
            width=6,
            limits=(0.7, 0.9),
        )
    )


def live_updates() -> Panel:
    """*Live counters: updates that wait*."""
    return lines(
        Figure(
            title="Live counters: updates that wait",
            description="Stored batches that the counters in Redis do not know of yet. They wait in "
            "Postgres while Redis is away; when there are too many, the counters are built anew.",
            unit="short",
            colours=palette.SOURCES,
            queries=[over_time("max by (source) (live_updates_pending)", "{{source}}")],
            width=6,
            limits=(1_000, 10_000),
        )
    )


def postgres() -> Panel:
    """*Postgres: connections*."""
    return lines(
        Figure(
            title="Postgres: connections",
            description="Connections by what they are doing, and how many there may be.",
            unit="short",
            queries=[
                over_time("max by (state) (sum by (instance, state) (pg_stat_activity_count))", "{{state}}"),
                over_time("max(pg_settings_max_connections)", "the limit"),
            ],
            width=6,
        )
    )


def database() -> Panel:
    """*Postgres: size*."""
    return lines(
        Figure(
            title="Postgres: size",
            description="Of each database on disk.",
            unit="bytes",
            queries=[over_time("max by (datname) (pg_database_size_bytes)", "{{datname}}")],
            width=6,
        )
    )


def disks() -> Panel:
    """*Free on disk*."""
    return number(
        Figure(
            title="Free on disk",
            description="What is left of each disk that DISK_PATHS names, as a share.",
            unit="percentunit",
            queries=[now("min by (disk) (disk_free_bytes / disk_size_bytes)", "{{disk}}")],
            width=6,
            limits=(0.2, 0.1),
            decimals=2,
        )
    )


def expiries() -> Panel:
    """*Certificates and secrets*."""
    certificates = "min by (certificate) (certificate_expiry_timestamp_seconds - time())"
    secrets = "min by (secret) (secret_expiry_timestamp_seconds - time())"
    return number(
        Figure(
            title="Certificates and secrets",
            description="The time that is left of each of CERTIFICATE_FILES and SECRET_EXPIRIES.",
            unit="s",
            queries=[now(certificates, "{{certificate}}"), now(secrets, "{{secret}}")],
            width=6,
            limits=(21 * 86_400, 7 * 86_400),
            decimals=0,
            no_value="none is watched",
        )
    )
