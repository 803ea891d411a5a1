"""Delivers as a provider does: what is not answered as it wants is sent again, with pauses, and given up in the end."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from publisher.answers import ACCEPTED, REJECTED, RETRYABLE, UNKNOWN
from publisher.client import retry_after_of
from publisher.connection import NoAnswer, Response
from publisher.senders.settings import SenderSettings
from publisher.senders.update import Delivery


class Line(Protocol):
    """Sends a payload with headers of its own. Raises NoAnswer."""

    async def post(self, payload: bytes, headers: Mapping[str, str] | None = None) -> Response: ...


class Counts(msgspec.Struct, frozen=True):
    """What a door tells of a delivery; the one of TikTok Shop tells nothing."""

    accepted: int
    rejected: int


class Delivered(msgspec.Struct, frozen=True):
    """How a delivery ended, `status` 0 where nothing answered. `verdict` is that of its updates, `problem` says why
    they were not taken, and `attempts` how often they were sent, with so many bytes in all."""

    status: int
    verdict: int
    seconds: float
    problem: str = ""
    counts: Counts | None = None
    attempts: int = 1
    bytes: int = 0


_decode_counts = msgspec.json.Decoder(Counts).decode


class Courier:
    """`statuses` counts every attempt by status code, or by the kind of failure; `clock` gives s since 1970."""

    def __init__(self, line: Line, settings: SenderSettings, clock: Callable[[], float] = time.time) -> None:
        self._line = line
        self._settings = settings
        self._provider = settings.provider
        self._clock = clock
        self.statuses: Counter[str] = Counter()
        self.retries = 0

    async def deliver(self, delivery: Delivery) -> Delivered:
        """Sends it until it is taken and the answer is not lost, or until the provider would give it up."""
        began, pause, lost = self._clock(), 0.0, delivery.lost_answers
        outcomes: list[Delivered] = []
        for attempt in range(self._settings.effective_attempts):
            if attempt:
                self.retries += 1
                await asyncio.sleep(pause)  # what the provider's clock would do
            # Another attempt is another time of sending, however short the pause was.
            later = max(attempt, int(self._clock() - began))
            outcome, retry_after = await self._attempt(delivery, delivery.sent_at + later)
            outcomes.append(outcome)
            if outcome.verdict == ACCEPTED:
                if lost == 0:
                    break
                lost -= 1
            elif outcome.status in self._provider.final:
                break
            pause = max(self._delay(attempt), retry_after)
        best = max(outcomes, key=lambda outcome: outcome.verdict)
        sent = sum(outcome.bytes for outcome in outcomes)
        return msgspec.structs.replace(best, attempts=len(outcomes), bytes=sent)

    def _delay(self, attempt: int) -> float:
        delays = self._settings.effective_delays
        return delays[min(attempt, len(delays) - 1)]

    async def _attempt(self, delivery: Delivery, sent_at: int) -> tuple[Delivered, float]:
        began = self._clock()
        body = delivery.write(sent_at)
        signed = self._provider.sign(self._settings.credentials, delivery, body, int(began))
        try:
            response = await self._line.post(body, {"Content-Type": delivery.content_type, **signed})
        except NoAnswer as failure:
            self.statuses[failure.kind] += 1
            seconds = self._clock() - began
            return Delivered(0, UNKNOWN, seconds, str(failure), bytes=len(body)), 0.0
        self.statuses[str(response.status)] += 1
        outcome = self._outcome(response, self._clock() - began, len(body))
        wait = retry_after_of(response.headers) if self._provider.heeds_retry_after else 0.0
        return outcome, wait

    def _outcome(self, response: Response, seconds: float, size: int) -> Delivered:
        status = response.status
        if status in self._provider.successes:
            return Delivered(status, ACCEPTED, seconds, counts=_counts(response.body), bytes=size)
        is_refused = 400 <= status < 500 and status not in RETRYABLE
        problem = response.body[:300].decode(errors="replace")
        return Delivered(status, REJECTED if is_refused else UNKNOWN, seconds, problem, bytes=size)


def _counts(answer: bytes) -> Counts | None:
    try:
        return _decode_counts(answer)
    except msgspec.MsgspecError:
        return None
