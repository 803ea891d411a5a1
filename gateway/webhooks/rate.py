"""How many deliveries a sender may make: a token bucket each, in this process."""

import time
from collections.abc import Callable


class DeliveryRates:
    """Buckets exist only for senders that have signed something, so there are as many as there are secrets."""

    def __init__(
        self, per_second: float, burst: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = max(1.0, float(burst))
        self._monotonic = monotonic
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    @property
    def per_minute(self) -> int | None:
        """The rate as the CloudEvents binding gives it; None for any number."""
        return int(self._per_second * 60) if self._per_second > 0 else None

    def wait_seconds(self, webhook: str, sender: str) -> float:
        """Takes a token and returns 0, or returns how long it takes until there is one."""
        if self._per_second <= 0:
            return 0.0
        now = self._monotonic()
        tokens, filled_at = self._buckets.get((webhook, sender), (self._burst, now))
        tokens = min(self._burst, tokens + (now - filled_at) * self._per_second)
        enough = tokens >= 1.0
        self._buckets[webhook, sender] = (tokens - 1.0 if enough else tokens, now)
        return 0.0 if enough else (1.0 - tokens) / self._per_second
