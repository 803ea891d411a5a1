"""Deliveries in Postgres: who is to be told of what, how often it was tried, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from alerts.rules import Kind
from pipeline.store import Database

# Whoever takes one has it until `due_at`, which is set past the time that an attempt may take: then the next one tries.
_CLAIM = """
WITH claimed AS (
    UPDATE alert_deliveries SET attempts = attempts + 1, due_at = now() + make_interval(secs => $2::text::float8)
    WHERE id = ANY (ARRAY(
        SELECT id FROM alert_deliveries
        WHERE status = 'waiting' AND due_at <= now() AND channel IN (SELECT json_array_elements_text($1::text::json))
        ORDER BY due_at LIMIT $3::integer FOR UPDATE SKIP LOCKED))
    RETURNING *
)
SELECT json_build_object(
    'id', claimed.id, 'channel', channel, 'phase', phase, 'attempts', attempts,
    'alert', json_build_object(
        'id', alert_id::text, 'kind', kind, 'rule', rule, 'subject', subject, 'openedAt', opened_at,
        'clearedAt', CASE WHEN phase = 'cleared' OR kind = 'MILESTONE' THEN cleared_at END,
        'raisedAt', raised_at, 'details', details))::text AS answer
FROM claimed JOIN alerts ON alerts.id = alert_id
ORDER BY alert_id, phase DESC
"""

_SETTLE = """
UPDATE alert_deliveries SET status = $2, settled_at = now(), last_error = left($3, 500)
WHERE id = $1::uuid AND status = 'waiting'
"""
_POSTPONE = """
UPDATE alert_deliveries SET due_at = now() + make_interval(secs => $2::text::float8), last_error = left($3, 500)
WHERE id = $1::uuid AND status = 'waiting'
"""
_ABANDON = """
UPDATE alert_deliveries SET status = 'dead', settled_at = now(), last_error = 'the channel is no longer configured'
WHERE status = 'waiting' AND channel NOT IN (SELECT json_array_elements_text($1::text::json))
"""


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """An alert as everybody is told of it. `cleared_at` is None as long as it is open."""

    id: str
    kind: Kind
    rule: str
    subject: str
    opened_at: datetime
    raised_at: datetime
    details: dict[str, Any]
    cleared_at: datetime | None = None


class Delivery(msgspec.Struct, frozen=True):
    """One attempt to tell somebody. `id` is the same for all attempts, and `attempts` counts this one."""

    id: str
    channel: str
    phase: Literal["opened", "cleared"]
    attempts: int
    alert: Alert


class Deliveries:
    """All of it raises StoreUnavailable."""

    def __init__(self, database: Database, channels: Sequence[str], lease_seconds: float) -> None:
        self._database = database
        self._channels = msgspec.json.encode(channels).decode()
        self._lease_seconds = lease_seconds

    async def claim(self, limit: int) -> list[Delivery]:
        """The next ones that are due, for as long as the lease."""
        rows = await self._database.query(_CLAIM, self._channels, str(self._lease_seconds), limit)
        return [msgspec.json.decode(row["answer"], type=Delivery) for row in rows]

    async def settle(self, delivery: Delivery, status: Literal["delivered", "dead"], error: str = "") -> None:
        """It is done with, for good or for bad."""
        await self._database.execute(_SETTLE, delivery.id, status, error)

    async def postpone(self, delivery: Delivery, seconds: float, error: str) -> None:
        """It is tried again after so long."""
        await self._database.execute(_POSTPONE, delivery.id, str(seconds), error)

    async def abandon_others(self) -> int:
        """Nobody will ever deliver through a channel that is not configured. Returns how many there were."""
        return await self._database.execute(_ABANDON, self._channels)
