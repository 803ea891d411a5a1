"""Settings of the probes."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import urlsplit

import msgspec

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class ProbeSettings(msgspec.Struct, frozen=True):
    probe_interval_seconds: float = 15.0
    """How often servers, disks and files are looked at."""
    server_probes: bool = True
    """Whether Postgres and NATS are asked for their figures. Off where exporters do that."""
    nats_monitor_url: str = ""
    """Where the NATS server answers for its monitoring over HTTP; without it NATS is not asked."""
    disk_paths: tuple[str, ...] = ()
    """Disks whose room is told: name=path, comma-separated; any file or folder on the disk."""
    certificate_files: tuple[str, ...] = ()
    """Certificates whose end is told: name=path of a PEM file, comma-separated. Of a chain the first end counts."""
    secret_expiries: tuple[str, ...] = ()
    """When secrets end that do not say so themselves: NAME=yyyy-mm-dd, comma-separated."""

    def __post_init__(self) -> None:
        if self.probe_interval_seconds <= 0:
            raise ValueError("PROBE_INTERVAL_SECONDS: must be more than 0")
        if self.nats_monitor_url and not _is_address(self.nats_monitor_url):
            raise ValueError(
                f"NATS_MONITOR_URL: expected http://host:port, got {self.nats_monitor_url[:80]!r}"
            )
        _pairs("DISK_PATHS", self.disk_paths)
        _pairs("CERTIFICATE_FILES", self.certificate_files)
        _ = self.secrets

    @property
    def disks(self) -> Mapping[str, str]:
        """Paths by name."""
        return _pairs("DISK_PATHS", self.disk_paths)

    @property
    def certificates(self) -> Mapping[str, str]:
        """Paths by name."""
        return _pairs("CERTIFICATE_FILES", self.certificate_files)

    @property
    def secrets(self) -> Mapping[str, date]:
        """The day on which each ends, by name."""
        found: dict[str, date] = {}
        for name, text in _pairs("SECRET_EXPIRIES", self.secret_expiries).items():
            try:
                found[name] = date.fromisoformat(text)
            except ValueError:
                raise ValueError(
                    f"SECRET_EXPIRIES: {name} needs a date like 2027-01-31, got {text!r}"
                ) from None
        return found


def _pairs(variable: str, entries: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        name, separator, value = (part.strip() for part in entry.partition("="))
        if not separator or not value or not _NAME.fullmatch(name):
            raise ValueError(f"{variable}: expected name=value, got {entry[:80]!r}")
        if name in found:
            raise ValueError(f"{variable}: {name} is there twice")
        found[name] = value
    return found


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
