"""What happened at `POST /api/events`: one function per fact, logging and counting at once.

Anybody may knock, so a refusal is a count, and at most one line a minute says how many there were.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable

import structlog
from prometheus_client import CollectorRegistry, Counter

from pipeline.live import Decision

log = structlog.get_logger()

_SUMMARY_SECONDS = 60.0


class ActionTelemetry:
    """`monotonic` gives seconds."""

    def __init__(self, registry: CollectorRegistry, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._requests = Counter(
            "action_requests",
            "Requests with social actions, by what came of them",
            ["outcome"],
            registry=registry,
        )
        self._decisions = Counter(
            "rate_limit_decisions",
            "Requests that were counted, by who counted: shared (Redis) or local (this process alone)",
            ["place"],
            registry=registry,
        )
        self._limited = Counter(
            "rate_limited_requests", "Requests that were too many", ["quota"], registry=registry
        )
        self._monotonic = monotonic
        self._shared: bool | None = None
        self._untold: Tally[str] = Tally()
        self._told_at = -_SUMMARY_SECONDS

    def taken(self, *, wholly: bool) -> None:
        """Some of the actions were accepted, or all."""
        self._requests.labels("accepted" if wholly else "partly_rejected").inc()

    def turned_away(self, kind: str) -> None:
        """With a problem of this kind, a closed set."""
        outcome = kind.replace("-", "_")
        self._requests.labels(outcome).inc()
        self._untold[outcome] += 1
        if self._monotonic() - self._told_at >= _SUMMARY_SECONDS:
            log.warning("action_requests_refused", **self._untold)
            self._untold.clear()
            self._told_at = self._monotonic()

    def decided(self, decision: Decision) -> None:
        """A request was counted; tells when the place where that is done has changed."""
        if not decision.rooms:
            return
        self._decisions.labels("shared" if decision.shared else "local").inc()
        if not decision.admitted:
            for room in decision.rooms:
                if room.remaining == 0:
                    self._limited.labels(room.quota.name).inc()
        if self._shared is not None and decision.shared != self._shared:
            if decision.shared:
                log.info("rate_limits_shared_again")
            else:
                log.warning("rate_limits_local", reason="Redis does not answer")
        self._shared = decision.shared
