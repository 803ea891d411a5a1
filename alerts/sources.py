"""Judges sources: does one that used to send send no more, or end too much of what it sends as dead letters?

What was accepted is read from the rollups, by the events' own time; dead letters are counted by the time when they
failed. A source is judged up to the minute up to which its collectors have stored everything: one that has stopped
collecting is not taken for a source that has stopped sending. The collector's own lag tells of that.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from alerts.episodes import walk
from alerts.judging import ACCEPTED, FAILED, judge_source
from alerts.raising import Raising, StoredState
from alerts.rules import Absence, SourceRule, by_key
from alerts.series import Counts, Series
from pipeline.store import Database

_ACCEPTED = """
SELECT coalesce(json_agg(json_build_array(source, minute, events)), '[]')::text AS answer
FROM (SELECT source, (extract(epoch FROM bucket) / 60)::integer AS minute, sum(events)::bigint AS events
      FROM event_rollups
      WHERE bucket_seconds = 60
        AND bucket BETWEEN to_timestamp($1::integer * 60.0) AND to_timestamp($2::integer * 60.0)
      GROUP BY 1, 2) AS by_minute
"""

_COMPLETE = """
SELECT source, floor(extract(epoch FROM complete_through) / 60)::integer AS minute FROM collector_progress
"""

Failures = Mapping[str, Mapping[int, int]]
"""Dead letters by source and minute."""


async def complete_minutes(database: Database) -> dict[str, int]:
    """The minute of each source up to which its collectors have stored everything. Raises StoreUnavailable."""
    return {str(row["source"]): int(row["minute"]) for row in await database.query(_COMPLETE)}


class SourceJudge:
    """Judges all sources at the present minute."""

    def __init__(self, database: Database, raising: Raising) -> None:
        self._database = database
        self._raising = raising

    async def judge(self, rules: Sequence[SourceRule], failures: Failures | None, now: int) -> None:
        """Raises and clears what there is to. Without `failures` nothing is said of error rates.

        Raises StoreUnavailable or Contested: the next call finds the same again.
        """
        if failures is None:
            rules = [rule for rule in rules if isinstance(rule, Absence)]
        if not rules:
            return
        first = now - max(rule.window_minutes + getattr(rule, "baseline_minutes", 0) for rule in rules)
        [found] = await self._database.query(_ACCEPTED, first, now)
        accepted = msgspec.json.decode(found["answer"], type=list[tuple[str, int, int]])
        complete = await complete_minutes(self._database)
        groups = by_key(rules)
        sources: list[str] = sorted({*complete, *(failures or {})})
        states = await self._raising.states([f"{key}:{source}" for source in sources for key in groups])
        for source in sources:
            series = _series(source, first, now, accepted, failures or {})
            for key, group in groups.items():
                state = states.get(f"{key}:{source}", StoredState(f"{key}:{source}", source))
                # The last minute that is over, as far as it is known; failures are known at once.
                known = min(now, complete.get(source, now)) - 1 if isinstance(group[0], Absence) else now
                await self._walk(state, group, series, known)

    async def _walk(
        self, state: StoredState, group: Sequence[SourceRule], series: Series, minute: int
    ) -> None:
        changes = walk(
            state.episode, [minute], lambda end: [judge_source(rule, series, end) for rule in group]
        )
        for episode, change in changes:
            state = await self._raising.apply(state, episode, change)


def _series(
    source: str, first: int, last: int, accepted: Sequence[tuple[str, int, int]], failures: Failures
) -> Series:
    minutes: Counts = np.zeros((last - first + 1, 2), np.int64)
    for name, minute, events in accepted:
        if name == source:
            minutes[minute - first, ACCEPTED] += events
    for minute, letters in failures.get(source, {}).items():
        if first <= minute <= last:
            minutes[minute - first, FAILED] += letters
    return Series(first, minutes)
