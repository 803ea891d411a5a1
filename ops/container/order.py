"""Which services there are in containers, and in what order they start."""

from collections.abc import Collection

SERVERS = ("nats", "nats-2", "nats-3", "postgres", "redis")
MIGRATE = "migrate"
PROGRAMS = (
    "gateway",
    "fb-collector",
    "ttk-collector",
    "social-collector",
    "custom-collector",
    "reporter",
    "alerts",
)
MONITORING = (
    "nats-exporter",
    "postgres-exporter",
    "redis-exporter",
    "prometheus",
    "grafana-reader",
    "grafana",
)
PUBLISHER = "publisher"
ONE_SHOT = (MIGRATE, "grafana-reader")
"""They do their work and end."""

LOCAL_NAMES = {"facebook-collector": "fb-collector", "tiktok-collector": "ttk-collector"}
"""What a local start calls them, for people who are used to that."""

ADDRESSES = {
    "gateway": ("GATEWAY_PORT", "3001"),
    "reporter": ("REPORTER_PORT", "3004"),
    "alerts": ("ALERTS_PORT", "3007"),
    "prometheus": ("PROMETHEUS_PORT", "9090"),
    "grafana": ("GRAFANA_PORT", "3000"),
    "nats": ("NATS_PORT", "4222"),
    "postgres": ("POSTGRES_PORT", "5432"),
}
"""Services with a port on the host: the variable that moves it, and where it is otherwise."""


def unknown(services: Collection[str]) -> list[str]:
    """Services that overlays have added, of which nothing is known here."""
    return sorted(set(services) - {*SERVERS, MIGRATE, *PROGRAMS, *MONITORING, PUBLISHER, "console"})


def present(wanted: Collection[str], services: Collection[str]) -> list[str]:
    """Those of `wanted`, in their order, that the compose files have: overlays add and leave out."""
    return [name for name in wanted if name in services]
