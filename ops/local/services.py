"""The services: their names, commands and ports, in one table."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.local import prisma_cli
from ops.local.binaries import ROOT, postgres
from ops.local.embedded import EmbeddedServer
from ops.local.ports import LOOPBACK
from ops.local.settings import LocalSettings

URL_VARIABLES = {"postgres": "DATABASE_URL", "nats": "NATS_URL", "redis": "REDIS_URL"}
"""How a service learns where each server is."""


@dataclass(frozen=True)
class Service:
    """One process of ours. `port_variable` is empty for one without HTTP."""

    name: str
    arguments: tuple[str, ...]
    port_variable: str = ""
    default_port: int = 0

    @property
    def command(self) -> tuple[str, ...]:
        """The command line, with the environment's Python."""
        return (sys.executable, "-m", *self.arguments)

    def port(self, settings: LocalSettings) -> int:
        """The port that the service listens on."""
        return settings.port(self.port_variable, self.default_port)

    def url(self, settings: LocalSettings) -> str:
        """Where the service answers over HTTP."""
        return f"http://{LOOPBACK}:{self.port(settings)}"

    @property
    def source(self) -> str:
        """The source whose events it collects; empty for anything but a collector."""
        program, *rest = self.arguments
        return rest[0] if program == "collectors" else ""


GATEWAY = Service("gateway", ("gateway",), "GATEWAY_PORT", 3001)
REPORTER = Service("reporter", ("reporter",), "REPORTER_PORT", 3004)
SERVICES = (
    GATEWAY,
    Service("facebook-collector", ("collectors", "facebook"), "FACEBOOK_COLLECTOR_PORT", 3002),
    Service("tiktok-collector", ("collectors", "tiktok"), "TIKTOK_COLLECTOR_PORT", 3003),
    Service("social-collector", ("collectors", "social"), "SOCIAL_COLLECTOR_PORT", 3005),
    Service("custom-collector", ("collectors", "custom"), "CUSTOM_COLLECTOR_PORT", 3006),
    REPORTER,
    Service("alerts", ("alerts",), "ALERTS_PORT", 3007),
)
PUBLISHER = Service("publisher", ("publisher", "--rate", "50", "--batch-size", "10"))
"""A modest, endless stream of made-up events."""


def environment(
    service: Service, settings: LocalSettings, servers: Sequence[EmbeddedServer]
) -> Mapping[str, str]:
    """Everything that a service reads, the same names as in a container."""
    values = {**settings.values, **connections(servers), **prisma_cli.environment()}
    values |= addresses(settings, servers)
    values |= {
        "HOST": LOOPBACK,
        "PATH": os.pathsep.join((f"{sys.prefix}/bin", os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    if service.port_variable:
        values["PORT"] = str(service.port(settings))
    if "," not in str(settings.data):  # a list is comma-separated
        values.setdefault("DISK_PATHS", f"data={settings.data}")
    return values


def addresses(settings: LocalSettings, servers: Sequence[EmbeddedServer]) -> dict[str, str]:
    """Where everything is that is talked to over HTTP, and the folders: for the publisher and for the console."""
    collectors = [(service.source, service) for service in SERVICES if service.source]
    return {
        "EVENT_ENDPOINT": f"{GATEWAY.url(settings)}/events",
        "GATEWAY_URL": GATEWAY.url(settings),
        "REPORTER_URL": REPORTER.url(settings),
        "COLLECTOR_URLS": ",".join(f"{source}={service.url(settings)}" for source, service in collectors),
        "NATS_MONITOR_URL": next((server.monitor_url for server in servers if server.monitor_url), ""),
        "SLUICE_DATA_DIR": str(settings.data),
        "POSTGRES_PROGRAMS": str(postgres(settings.postgres_version, "pg_dump").parent),
        "SLUICE_ENV_FILE": str((ROOT / (settings.values.get("SLUICE_ENV_FILE") or ".env")).resolve()),
    }


def connections(servers: Sequence[EmbeddedServer]) -> dict[str, str]:
    """The URLs of the servers by the names that services know them by."""
    return {URL_VARIABLES[server.name]: server.url for server in servers}
