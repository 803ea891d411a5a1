"""How many requests whom: which quotas a request uses, and what its answer says of them."""

import functools
import hashlib
import math
from collections.abc import Iterable

from gateway.actions.bearer import WRITE_ANY
from pipeline.chassis.problems import Problem
from pipeline.chassis.tokens import Bearer
from pipeline.live import Decision, Quota, RateLimits, RateLimitSettings

_UNKNOWN_ADDRESS = "unknown"


class RequestLimits:
    """The limits of requests at one door."""

    def __init__(self, settings: RateLimitSettings, limits: RateLimits) -> None:
        self._settings = settings
        self._limits = limits

    async def take(self, network: str, bearer: Bearer | None) -> Decision:
        """Counts a request from a network, of a bearer or of nobody."""
        return await self._limits.take(list(self._quotas(network, bearer)))

    def _quotas(self, network: str, bearer: Bearer | None) -> Iterable[Quota]:
        settings = self._settings
        if bearer is not None and WRITE_ANY in bearer.scopes:
            yield Quota("backend", _key(bearer.user_id), settings.rate_limit_per_backend)
            return
        yield Quota("address", _key(network or _UNKNOWN_ADDRESS), settings.rate_limit_per_address)
        if bearer is not None:
            yield Quota("user", _key(bearer.user_id), settings.rate_limit_per_user)

    def headers(self, decision: Decision) -> dict[str, str]:
        """What an answer says of the limits; nothing where none is in force."""
        if not decision.rooms:
            return {}
        place = "" if decision.shared else "-local"
        window = self._limits.window_seconds
        closest = min(decision.rooms, key=lambda room: (room.remaining, -room.reset_ms))
        return {
            "RateLimit-Policy": ", ".join(
                f'"{room.quota.name}{place}";q={room.quota.limit};w={window}' for room in decision.rooms
            ),
            "RateLimit": ", ".join(
                f'"{room.quota.name}{place}";r={room.remaining};t={_seconds(room.reset_ms)}'
                for room in decision.rooms
            ),
            "RateLimit-Limit": str(closest.quota.limit),
            "RateLimit-Remaining": str(closest.remaining),
            "RateLimit-Reset": str(_seconds(closest.reset_ms)),
        }

    def too_many(self, decision: Decision) -> Problem:
        """429. Waits for the quota that takes longest."""
        full = [room for room in decision.rooms if room.remaining == 0]
        names = " and ".join(room.quota.name for room in full)
        wait_seconds = max(1, *(_seconds(room.reset_ms) for room in full))
        detail = f"More requests than the limit for this {names} admits in {self._limits.window_seconds} s."
        return Problem(429, "rate-limited", detail, headers={"Retry-After": str(wait_seconds)})


@functools.lru_cache(maxsize=10_000)
def _key(whose: str) -> str:
    """Short, and nobody's name or address in Redis."""
    return hashlib.sha256(whose.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _seconds(milliseconds: int) -> int:
    return math.ceil(milliseconds / 1000)
