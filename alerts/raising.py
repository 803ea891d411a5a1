"""Writes alerts: each together with the state that it follows from, and with what is to be delivered.

A state has a version, and a change is written only over the version that was read. Two evaluators that see the same
therefore raise one alert between them, and so does one that died, or did not hear the answer, and looks again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString

import msgspec

from alerts.episodes import NEVER, Cleared, Episode, Opened
from alerts.rules import Milestone
from alerts.telemetry import AlertTelemetry
from pipeline.store import Database

_STATES = """
SELECT json_build_object('key', key, 'subject', subject, 'version', version, 'is_open', is_open, 'state', state)::text
    AS answer
FROM alert_states
"""
_OPEN_STATES = _STATES + "WHERE is_open ORDER BY key"
_SOME_STATES = _STATES + "WHERE key IN (SELECT json_array_elements_text($1::text::json))"

_MOVE = """
WITH moved AS (
    INSERT INTO alert_states AS kept (key, subject, version, is_open, state)
    VALUES ($1, $2, 1, $4::boolean, $5::text::json)
    ON CONFLICT (key) DO UPDATE SET version = kept.version + 1, is_open = excluded.is_open, state = excluded.state
    WHERE kept.version = $3::text::bigint
    RETURNING key, subject
), changed AS ({change}
    RETURNING id, rule, kind
), delivered AS (
    INSERT INTO alert_deliveries (alert_id, phase, channel)
    SELECT id, '{phase}', channel FROM changed CROSS JOIN json_array_elements_text($6::text::json) AS channels(channel)
)
SELECT rule, kind FROM moved LEFT JOIN changed ON true
"""

_RAISE: LiteralString = _MOVE.format(
    phase="opened",
    change="""
    INSERT INTO alerts (key, subject, rule, kind, opened_at, cleared_at, details)
    SELECT key, subject, $7, $8, $9::timestamptz, $10::timestamptz, $11::text::json FROM moved""",
)
_CLEAR: LiteralString = _MOVE.format(
    phase="cleared",
    change="""
    UPDATE alerts SET cleared_at = greatest(opened_at, $7::timestamptz)
    WHERE cleared_at IS NULL AND key = (SELECT key FROM moved)""",
)


class Contested(Exception):
    """Somebody else has changed the state meanwhile: read it again."""


class StoredState(msgspec.Struct, frozen=True):
    """The state of a suppression key, and the version that was read; version 0 is not stored yet."""

    key: str
    subject: str
    version: int = 0
    is_open: bool = False
    state: Mapping[str, int] = {}

    @property
    def episode(self) -> Episode:
        return Episode(self.is_open, self.state.get("since", NEVER), self.state.get("quietUntil", NEVER))


class Raising:
    """All of it raises StoreUnavailable: then it may be written all the same, and whoever reads the state knows."""

    def __init__(self, database: Database, channels: Sequence[str], telemetry: AlertTelemetry) -> None:
        """`channels` are the names of those that deliver."""
        self._database = database
        self._channels = msgspec.json.encode(channels).decode()
        self._telemetry = telemetry

    async def open_states(self) -> list[StoredState]:
        """Of all alerts that are open."""
        rows = await self._database.query(_OPEN_STATES)
        return [msgspec.json.decode(row["answer"], type=StoredState) for row in rows]

    async def states(self, keys: Sequence[str]) -> dict[str, StoredState]:
        """Those of the keys that have one."""
        rows = await self._database.query(_SOME_STATES, msgspec.json.encode(keys).decode())
        found = [msgspec.json.decode(row["answer"], type=StoredState) for row in rows]
        return {state.key: state for state in found}

    async def apply(self, before: StoredState, after: Episode, change: Opened | Cleared) -> StoredState:
        """Writes what became of an episode. Returns its state; raises Contested."""
        facts = {"since": after.since, "quietUntil": after.quiet_until}
        move = self._move(before, facts, after.is_open)
        at = _instant(change.minute + 1)
        if isinstance(change, Cleared):
            [found] = await self._run(_CLEAR, *move, at)
            if found["rule"]:  # else somebody has deleted the alert
                self._telemetry.cleared(found["rule"], found["kind"], before.subject)
        else:
            rule, details = change.reading.rule, msgspec.json.encode(change.reading.details).decode()
            [found] = await self._run(_RAISE, *move, rule.name, rule.raises, at, None, details)
            self._telemetry.raised(rule.name, rule.raises, before.subject, change.reading.details)
        return StoredState(before.key, before.subject, before.version + 1, after.is_open, facts)

    async def milestone(
        self, before: StoredState, rule: Milestone, step: int, at_minute: int, details: Mapping[str, Any]
    ) -> StoredState:
        """Writes that a post has reached a step. Raises Contested."""
        at = _instant(at_minute + 1)
        move = self._move(before, {"step": step}, False)
        encoded = msgspec.json.encode(details).decode()
        await self._run(_RAISE, *move, rule.name, rule.raises, at, at, encoded)
        self._telemetry.raised(rule.name, rule.raises, before.subject, details)
        return StoredState(before.key, before.subject, before.version + 1, False, {"step": step})

    def _move(self, before: StoredState, facts: Mapping[str, int], is_open: bool) -> tuple[Any, ...]:
        state = msgspec.json.encode(facts).decode()
        return before.key, before.subject, str(before.version), is_open, state, self._channels

    async def _run(self, sql: LiteralString, *parameters: Any) -> list[dict[str, Any]]:
        rows = await self._database.query(sql, *parameters)
        if not rows:
            raise Contested(parameters[0])
        return rows


def _instant(minute: int) -> str:
    """The beginning of a minute; of one that is not over yet, now."""
    return min(datetime.fromtimestamp(minute * 60, UTC), datetime.now(UTC)).isoformat()
