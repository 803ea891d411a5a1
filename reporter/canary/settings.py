"""Settings of the canaries."""

from urllib.parse import urlsplit

import httpx
import msgspec


class CanarySettings(msgspec.Struct, frozen=True):
    canary_interval_seconds: float = 10.0
    """How often a canary is sent to each source; 0 sends none."""
    canary_stale_seconds: float = 60.0
    """Readiness says "degraded" when the youngest canary that came through was sent longer ago."""
    canary_sources: tuple[str, ...] = ()
    """The sources that get canaries; without any, all that have ever had a collector, or must have one."""
    gateway_url: tuple[str, ...] = ("http://127.0.0.1:3001",)
    """Where the gateways are, comma-separated; they are taken in turn."""
    canary_keys: tuple[str, ...] = ()
    """The first is shown to the gateway."""
    ingest_api_keys: tuple[str, ...] = ()
    """The first is shown where there is no canary key."""

    def __post_init__(self) -> None:
        if self.canary_interval_seconds < 0:
            raise ValueError("CANARY_INTERVAL_SECONDS: must not be negative")
        if self.canary_stale_seconds <= self.canary_interval_seconds:
            raise ValueError("CANARY_STALE_SECONDS: must be longer than CANARY_INTERVAL_SECONDS")
        for address in self.gateway_url:
            if not _is_address(address):
                raise ValueError(f"GATEWAY_URL: expected http://host:port, got {address[:80]!r}")

    @property
    def is_on(self) -> bool:
        """Whether canaries are sent."""
        return self.canary_interval_seconds > 0 and bool(self.gateway_url)

    @property
    def key(self) -> str:
        """What opens the gateway's door; empty where it takes no key."""
        return next(iter((*self.canary_keys, *self.ingest_api_keys)), "")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        httpx.URL(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except (ValueError, httpx.InvalidURL):
        return False
