"""Milestones: numbers of likes that a post reaches, each told once for ever, whatever the likes do afterwards."""

from collections.abc import Sequence

import msgspec

from alerts.facts import ids_of
from alerts.raising import Raising, StoredState
from alerts.rules import Milestone
from pipeline.store import Database

# The likes are those that count now, all days together. A post is here when it has reached another step than the
# greatest that was told of it.
_REACHED = """
WITH changed AS (
    SELECT fact.post_id, max(least(fact.minute, $3::integer)) AS minute
    FROM alert_facts CROSS JOIN unnest(post_ids, minutes) AS fact(post_id, minute)
    WHERE id = ANY ($1::text::bigint[])
    GROUP BY fact.post_id
), liked AS (
    SELECT post_id, minute,
           (SELECT sum(likes) FROM social_post_days AS kept WHERE kept.post_id = changed.post_id)::bigint AS likes
    FROM changed
)
SELECT coalesce(json_agg(json_build_array(post_id, minute, likes, owner.user_id) ORDER BY post_id), '[]')::text
    AS answer
FROM liked
LEFT JOIN LATERAL (SELECT user_id FROM social_posts WHERE post_id = liked.post_id LIMIT 1) AS owner ON true
LEFT JOIN LATERAL (
    SELECT (state ->> 'step')::bigint AS told FROM alert_states WHERE key = $4 || ':' || liked.post_id) AS known ON true
WHERE likes >= (SELECT min(step::bigint) FROM json_array_elements_text($2::text::json) AS steps(step)
                WHERE step::bigint > coalesce(told, 0))
"""


class _Reached(msgspec.Struct, frozen=True, array_like=True):
    post_id: str
    minute: int
    likes: int
    owner: str | None


def newly_reached(rule: Milestone, likes: int, told: int) -> list[int]:
    """The steps that are to be told, when `told` is the greatest that was."""
    return [step for step in rule.steps if told < step <= likes]


class MilestoneJudge:
    """Finds posts that have reached a step."""

    def __init__(self, database: Database, raising: Raising) -> None:
        self._database = database
        self._raising = raising

    async def judge(self, rules: Sequence[Milestone], facts: Sequence[int], now: int) -> None:
        """Raises what posts have reached that these facts tell of. Raises StoreUnavailable or Contested."""
        for rule in rules:
            steps = msgspec.json.encode(rule.steps).decode()
            [found] = await self._database.query(_REACHED, ids_of(facts), steps, now, rule.name)
            reached = msgspec.json.decode(found["answer"], type=list[_Reached])
            states = (
                await self._raising.states([f"{rule.name}:{post.post_id}" for post in reached])
                if reached
                else {}
            )
            for post in reached:
                key = f"{rule.name}:{post.post_id}"
                state = states.get(key, StoredState(key, post.post_id))
                for step in newly_reached(rule, post.likes, state.state.get("step", 0)):
                    details = {"step": step, "likes": post.likes, "userId": post.owner}
                    state = await self._raising.milestone(state, rule, step, post.minute, details)
