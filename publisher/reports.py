"""The reporter as the checks ask it."""

import asyncio
import time
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx

from publisher.stored import iso_instant

COMPLETE_THROUGH = "X-Data-Complete-Through"
LAG = "X-Data-Lag-Seconds"
POLL_SECONDS = 0.5
_REQUEST_SECONDS = 60.0

TimeRange = tuple[int, int]
"""From (inclusive) and to (exclusive), in milliseconds since 1970."""


class Reports:
    """`transport` is for tests; by default the network."""

    def __init__(self, address: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(base_url=address, timeout=_REQUEST_SECONDS, transport=transport)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def get(self, path: str, time_range: TimeRange, **filters: str) -> httpx.Response:
        """Raises httpx.HTTPError."""
        parameters = {"from": iso_instant(time_range[0]), "to": iso_instant(time_range[1]), **filters}
        return await self.ask(path, **parameters)

    async def ask(self, path: str, **parameters: str) -> httpx.Response:
        """A report that has no range of time. Raises httpx.HTTPError."""
        answer = await self._client.get(path, params=parameters)
        return answer.raise_for_status()

    async def wait_for(
        self, source: str, target: float, time_range: TimeRange, deadline: float
    ) -> str | None:
        """Until everything accepted by `target` (s since 1970) is in the reports of a source.

        What is wrong at the deadline (monotonic). The reporter is asked again and again: it cannot call us.
        """
        while True:
            try:
                answer = await self.get("/reports/events", time_range, source=source)
                through = answer.headers.get(COMPLETE_THROUGH)
                if through is not None and datetime.fromisoformat(through).timestamp() > target:
                    return None
                problem = f"complete through {through}, lag {answer.headers.get(LAG)} s"
            except httpx.HTTPError as error:
                problem = f"{type(error).__name__}: {error}"
            if time.monotonic() > deadline:
                return problem
            await asyncio.sleep(POLL_SECONDS)
