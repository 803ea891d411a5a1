"""Delivering bodies: one POST, or in verify mode as many as it takes.

The firehose never retries (EVENTS §2). With a retry deadline a body is sent again after 429, 5xx, a timeout
or a broken connection, as a whole: the gateway promises that a re-send is always safe.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from publisher.answers import RETRYABLE, Outcome, no_answer, outcome_of
from publisher.connection import NoAnswer, Response

FIRST_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 2.0


class Sender(Protocol):
    """Sends a payload to the endpoint. Raises NoAnswer."""

    async def post(self, payload: bytes) -> Response: ...


class Client:
    """Delivers bodies through a sender.

    `statuses` counts every attempt by status code, or by the kind of failure.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        retry_deadline_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._sender = sender
        self._deadline_seconds = retry_deadline_seconds
        self._clock = clock
        self._jitter = jitter
        self.statuses: Counter[str] = Counter()
        self.retries = 0

    async def deliver(self, payload: bytes, size: int) -> Outcome:
        """How the POST of `size` events ended, after retries as far as the deadline allows."""
        give_up_at = self._clock() + self._deadline_seconds
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            outcome, retry_after = await self._attempt(payload, size)
            if outcome.status and outcome.status not in RETRYABLE:
                return outcome
            # Jitter from half to the whole, so that bodies that failed together do not come back together.
            wait = max(retry_after, backoff * (0.5 + self._jitter() / 2))
            if self._clock() + wait > give_up_at:
                return outcome
            self.retries += 1
            await asyncio.sleep(wait)  # the gateway gives no sign of being back that could be awaited
            backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)

    async def _attempt(self, payload: bytes, size: int) -> tuple[Outcome, float]:
        try:
            response = await self._sender.post(payload)
        except NoAnswer as failure:
            self.statuses[failure.kind] += 1
            return no_answer(str(failure), size), 0.0
        self.statuses[str(response.status)] += 1
        return outcome_of(response.status, response.body, size), retry_after_of(response.headers)


def retry_after_of(headers: dict[str, str]) -> float:
    """Seconds of Retry-After; 0 without one, or with a date, which the gateway never sends."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0
