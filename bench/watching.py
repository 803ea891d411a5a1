"""How much a reader of the report sees, and how far it is behind what the gateway has acknowledged."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from bench.system import System
from ops.local.services import GATEWAY

SAMPLE_SECONDS = 1.0
FINAL_POLL_SECONDS = 0.1
GIVE_UP_SECONDS = 60.0
_ACKNOWLEDGED = re.compile(r'^events_processed_total\{service="gateway".*\} ([0-9.e+]+)$', re.MULTILINE)


class Sample(msgspec.Struct, frozen=True):
    """One look. `lag_seconds` is what the report itself says: the age of the oldest event that is not in it."""

    acknowledged: int
    visible: int
    lag_seconds: float

    @property
    def lag_events(self) -> int:
        return max(0, self.acknowledged - self.visible)


class ReportWatch:
    """A reader of `GET /reports/events`, once a second while the load is on."""

    def __init__(self, system: System) -> None:
        self._client = httpx.AsyncClient(timeout=30)
        self._report = f"{system.reporter_url}/reports/events"
        self._metrics = f"{system.url_of(GATEWAY)}/metrics"
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        # Whole hours: the report then reads rollups only, as a dashboard does.
        ends = hour - timedelta(hours=1), hour + timedelta(hours=3)
        self._range = {"from": ends[0].isoformat(), "to": ends[1].isoformat()}
        self.samples: list[Sample] = []

    @asynccontextmanager
    async def sampling(self) -> AsyncGenerator[None]:
        """A sample a second until the end of the block."""
        task = asyncio.create_task(self._keep_sampling())
        try:
            yield
        finally:
            task.cancel()

    async def until_visible(self, events: int) -> float:
        """When (seconds since 1970) the report shows `events` events in all. Raises RuntimeError when they stop
        coming, or when there are more."""
        seen, moved_at = -1, time.monotonic()
        while True:
            visible, _ = await self._visible()
            if visible == events:
                return time.time()
            if visible > events:
                raise RuntimeError(f"the report shows {visible:,} events, {events:,} were acknowledged")
            if visible != seen:
                seen, moved_at = visible, time.monotonic()
            if time.monotonic() - moved_at > GIVE_UP_SECONDS:
                raise RuntimeError(
                    f"the report shows {visible:,} of {events:,} acknowledged events, and no more"
                )
            await asyncio.sleep(FINAL_POLL_SECONDS)

    async def close(self) -> None:
        await self._client.aclose()

    async def _keep_sampling(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            visible, lag_seconds = await self._visible()
            exposition = (await self._client.get(self._metrics)).text
            acknowledged = sum(float(count) for count in _ACKNOWLEDGED.findall(exposition))
            self.samples.append(Sample(int(acknowledged), visible, lag_seconds))

    async def _visible(self) -> tuple[int, float]:
        answer = await self._client.get(self._report, params=self._range)
        answer.raise_for_status()
        lag = float(answer.headers.get("X-Data-Lag-Seconds", "nan"))
        return sum(row["count"] for row in answer.json()), lag


def lag_rows(samples: list[Sample]) -> list[tuple[str, str]]:
    """The lag while the load was on: its highest and its last value, and whether it grew."""
    if not samples:
        return [("lag", "not sampled: too short")]
    highest = max(samples, key=lambda sample: sample.lag_seconds)
    last = samples[-1]
    return [
        ("lag, highest", f"{highest.lag_seconds:.1f} s; {max(s.lag_events for s in samples):,} events"),
        ("lag, last sample", f"{last.lag_seconds:.1f} s; {last.lag_events:,} events"),
        ("lag, mean by thirds of the run", " / ".join(f"{mean:.1f} s" for mean in thirds(samples))),
    ]


def thirds(samples: list[Sample]) -> list[float]:
    """The mean lag in seconds of the first, the second and the last third."""
    size = max(1, len(samples) // 3)
    parts = samples[:size], samples[size:-size] or samples[:size], samples[-size:]
    return [sum(sample.lag_seconds for sample in part) / len(part) for part in parts]
