"""What happened at the webhooks' doors: one function per fact, logging and counting at once.

Anybody may knock, so a refusal is one count and no line of its own. What is signed is counted as at `POST /events`.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable
from enum import StrEnum

import structlog
from prometheus_client import CollectorRegistry, Counter

from gateway.webhooks.updates import Judged
from pipeline.chassis.problems import Problem

log = structlog.get_logger()

UNKNOWN_WEBHOOK = "unknown"
_SUMMARY_SECONDS = 60.0


class Outcome(StrEnum):
    """What came of a delivery that was signed."""

    ACCEPTED = "accepted"
    PARTLY_REJECTED = "partly_rejected"
    REJECTED = "rejected"
    EMPTY = "empty"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate_limited"


class WebhookTelemetry:
    """`webhook` is a registered one, or `unknown`. `monotonic` gives seconds."""

    def __init__(self, registry: CollectorRegistry, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._deliveries = Counter(
            "webhook_deliveries", "Signed deliveries", ["webhook", "outcome"], registry=registry
        )
        self._refusals = Counter(
            "webhook_refusals", "Requests that were not believed", ["webhook", "reason"], registry=registry
        )
        self._unknown_kinds = Counter(
            "webhook_unknown_kinds", "Updates of kinds that are not known", ["webhook"], registry=registry
        )
        self._monotonic = monotonic
        self._untold: dict[str, Tally[str]] = {}
        self._told_at: dict[tuple[str, str], float] = {}

    def refused(self, webhook: str, reason: str) -> None:
        """Counts; at most once a minute and webhook a line says how many there were since the last one."""
        self._refusals.labels(webhook, reason).inc()
        untold = self._untold.setdefault(webhook, Tally())
        untold[reason] += 1
        if self._may_tell("refused", webhook):
            log.warning("webhook_requests_refused", webhook=webhook, **untold)
            untold.clear()

    def turned_away(self, webhook: str, problem: Problem) -> None:
        """As `refused`, for what has a problem of its own."""
        self.refused(webhook, problem.kind.replace("-", "_"))

    def verifying_failed(self, webhook: str, error: Exception) -> None:
        """A defect of a provider's code, told at most once a minute: a forger may be the one who found it."""
        if self._may_tell("verifying_failed", webhook):
            log.error("webhook_verifying_failed", webhook=webhook, exc_info=error)

    def delivered(self, webhook: str, outcome: Outcome) -> None:
        self._deliveries.labels(webhook, outcome.value).inc()

    def judged(self, webhook: str, judged: Judged) -> None:
        """What a delivery held, once all of it is on disk."""
        if judged.unknown_kinds:
            self._unknown_kinds.labels(webhook).inc(judged.unknown_kinds)
        if not judged.rejected:
            self.delivered(webhook, Outcome.ACCEPTED if judged.accepted else Outcome.EMPTY)
        else:
            self.delivered(webhook, Outcome.PARTLY_REJECTED if judged.accepted else Outcome.REJECTED)

    def handshake_answered(self, webhook: str) -> None:
        log.info("webhook_handshake_answered", webhook=webhook)

    def _may_tell(self, fact: str, webhook: str) -> bool:
        now = self._monotonic()
        if now - self._told_at.get((fact, webhook), -_SUMMARY_SECONDS) < _SUMMARY_SECONDS:
            return False
        self._told_at[fact, webhook] = now
        return True
