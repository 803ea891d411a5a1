"""Where the console finds the parts of a running Sluice. `./sluice` fills these in from the local start."""

from collections.abc import Mapping, Sequence

import msgspec

from pipeline.errors import ConfigurationError


class ConsoleSettings(msgspec.Struct, frozen=True):
    gateway_url: tuple[str, ...] = ("http://127.0.0.1:3001",)
    """Where the gateways are, comma-separated."""
    collector_urls: tuple[str, ...] = ()
    """Where the collectors are: comma-separated source=address, several of a source with the same name."""
    reporter_url: str = "http://127.0.0.1:3004"
    """Where the reporter is."""
    nats_monitor_url: str = ""
    """Where the NATS server answers for its monitoring over HTTP, if it does."""
    sluice_data_dir: str = ".sluice"
    """Folder of data and logs of a local start."""
    sluice_env_file: str = ".env"
    """The file with the settings of a local start."""
    postgres_programs: str = ""
    """The folder of pg_dump and pg_restore, for backups; empty: the path is searched."""

    def collectors(self) -> Mapping[str, Sequence[str]]:
        """The collectors' addresses by source. Raises ConfigurationError."""
        found: dict[str, list[str]] = {}
        for each in self.collector_urls:
            source, separator, address = each.partition("=")
            if not separator or not source or not address.startswith(("http://", "https://")):
                raise ConfigurationError(f"COLLECTOR_URLS: expected source=http://…, got {each!r}")
            found.setdefault(source.strip(), []).append(address.strip().rstrip("/"))
        return found
