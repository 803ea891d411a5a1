"""Sends a request as an app does: with its token, within the limits of requests, and again until it is answered."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from publisher.client import FIRST_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, retry_after_of
from publisher.connection import NoAnswer, Response
from publisher.social.answers import Answered, answered, unanswered
from publisher.social.requests import Request
from publisher.social.tokens import BACKEND, Tokens


class Line(Protocol):
    """Sends a payload with headers of its own. Raises NoAnswer."""

    async def post(self, payload: bytes, headers: Mapping[str, str] | None = None) -> Response: ...


class Courier:
    """`statuses` counts every attempt by status code, or by the kind of failure. `by_backend` counts the requests of
    users that the back end has sent, because the limits had no room for them; `bytes` and `posts` all that was sent."""

    def __init__(
        self,
        line: Line,
        tokens: Tokens,
        deadline_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._line = line
        self._tokens = tokens
        self._deadline_seconds = deadline_seconds
        self._clock = clock
        self._jitter = jitter
        self._closed_until: dict[str, float] = {}
        self.statuses: Counter[str] = Counter()
        self.retries = 0
        self.by_backend = 0
        self.posts = 0
        self.bytes = 0

    async def deliver(self, request: Request) -> Answered:
        """How it ended, after retries as far as the deadline allows. Of several answers the last one with verdicts
        counts: all must say the same."""
        quota = _quota_of(request)
        if quota != BACKEND and self._wait_for(quota) > 0:
            quota = self._hand_over()
        headers = self._headers(request, quota)
        give_up_at, backoff = self._clock() + self._deadline_seconds, FIRST_BACKOFF_SECONDS
        lost, best = request.lost_answers, unanswered("not sent", len(request.actions))
        wait = self._wait_for(quota)
        # From then on the sender must stay the same: an Idempotency-Key is one of its sender's.
        may_be_taken = False
        while True:
            if wait > 0:
                if self._clock() + wait > give_up_at:
                    return best
                await asyncio.sleep(
                    wait
                )  # the gateway gives no sign of having room again that could be awaited
            outcome, wait = await self._attempt(request, headers, quota)
            if outcome.status == 429 and quota != BACKEND and not may_be_taken:
                quota, wait = self._hand_over(), 0.0
                headers = self._headers(request, quota)
                continue
            may_be_taken = True
            if outcome.is_final:
                best = outcome
                if lost == 0 or outcome.is_refusal:
                    return best
                lost -= 1
            else:
                if not best.is_final:
                    best = outcome
                # Jitter from half to the whole, so that requests that failed together do not come back together.
                wait = max(wait, backoff * (0.5 + self._jitter() / 2))
                backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)
            self.retries += 1

    async def _attempt(
        self, request: Request, headers: Mapping[str, str], quota: str
    ) -> tuple[Answered, float]:
        """How an attempt ended, and the seconds that the gateway asks to wait before the next."""
        size = len(request.actions)
        self.posts += 1
        self.bytes += len(request.payload)
        try:
            response = await self._line.post(request.payload, headers)
        except NoAnswer as failure:
            self.statuses[failure.kind] += 1
            return unanswered(str(failure), size), 0.0
        self.statuses[str(response.status)] += 1
        wait = retry_after_of(response.headers)
        if response.status == 429:
            self._closed_until[quota] = self._clock() + wait
        elif response.headers.get("ratelimit-remaining") == "0":
            self._closed_until[quota] = self._clock() + float(response.headers.get("ratelimit-reset", "1"))
        return answered(response.status, response.body, size), wait

    def _hand_over(self) -> str:
        """The limits have no room for a user: the back end sends it."""
        self.by_backend += 1
        return BACKEND

    def _headers(self, request: Request, quota: str) -> dict[str, str]:
        sender = BACKEND if quota == BACKEND else request.user or BACKEND
        headers = {"Authorization": f"Bearer {self._tokens.of(sender)}"}
        if request.key:
            headers["Idempotency-Key"] = request.key
        if request.address:
            headers["X-Forwarded-For"] = request.address
        return headers

    def _wait_for(self, quota: str) -> float:
        """Seconds until the limits have room again, as far as the answers have told."""
        until = self._closed_until.get(quota)
        if until is None:
            return 0.0
        if (left := until - self._clock()) > 0:
            return left
        del self._closed_until[quota]
        return 0.0


def _quota_of(request: Request) -> str:
    """Whose limit a request uses up: the back end's, the user's own, or that of the one address of all users."""
    if request.user is None:
        return BACKEND
    return request.user if request.address else "address"
