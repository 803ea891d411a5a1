"""What NATS says of itself over HTTP, by the names of prometheus-nats-exporter (-varz -jsz=all)."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import httpx
import msgspec
from prometheus_client.core import Metric

from reporter.probes.jetstream import jetstream_metrics
from reporter.probes.monitoring_pages import Jsz, Varz
from reporter.probes.probe import Found, ProbeFailed, gauge

PageT = TypeVar("PageT")

_TIMEOUT_SECONDS = 3.0
_VARZ = (
    *("connections", "total_connections", "subscriptions", "slow_consumers", "mem", "cpu"),
    *("in_msgs", "out_msgs", "in_bytes", "out_bytes"),
)


class NatsProbe:
    """Asks one server at the address of its monitoring."""

    name = "nats"

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._asking = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)

    async def look(self) -> Found:
        """Raises ProbeFailed."""
        varz, jsz = await asyncio.gather(
            self._page("varz", Varz), self._page("jsz?consumers=true&config=true", Jsz)
        )
        server = {"server_id": self._address}
        figures = [gauge(f"gnatsd_varz_{name}", name, [(server, getattr(varz, name))]) for name in _VARZ]
        return Found([self._up(1), *figures, *jetstream_metrics(self._address, varz.server_name, jsz)])

    def blind(self) -> Sequence[Metric]:
        """It is down."""
        return [self._up(0)]

    def _up(self, value: int) -> Metric:
        # The exporter has no such gauge: where it runs, `up` of its job is one.
        return gauge(
            "nats_up",
            "Whether NATS answered the last time that it was asked",
            [({"server_id": self._address}, value)],
        )

    async def _page(self, path: str, kind: type[PageT]) -> PageT:
        try:
            answer = await self._asking.get(f"{self._address}/{path}")
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=kind)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise ProbeFailed(f"{self._address}/{path}: {str(error) or type(error).__name__}") from error
