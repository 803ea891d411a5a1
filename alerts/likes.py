"""Judges posts: those that have changed, and those with an open alert, which may have come to its end."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from alerts.episodes import walk
from alerts.facts import ChangedPost, Facts
from alerts.judging import judge_post, worth_judging
from alerts.raising import Raising, StoredState
from alerts.rules import HISTORY_MINUTES, Flapping, PostRule, RuleSet, by_key
from alerts.series import Series, Usual

_POSTS_AT_ONCE = 50
"""Their series take some megabytes."""
_NO_FLOOR = 2**31 - 1


class LikeJudge:
    """Bounded memory: of so many posts at a time, and of open alerts the minute up to which they were judged."""

    def __init__(self, facts: Facts, raising: Raising) -> None:
        self._facts = facts
        self._raising = raising
        self._judged: dict[str, int] = {}

    async def judge(
        self,
        rules: RuleSet,
        changed: Sequence[ChangedPost],
        open_states: Sequence[StoredState],
        oldest: int,
        now: int,
        complete: int,
    ) -> None:
        """Raises and clears what there is to. `complete` is the minute up to which everything is known.

        Raises StoreUnavailable or Contested: then it is to be called again with the same.
        """
        groups = by_key(rules.posts)
        opened = [state for state in open_states if _group_of(state) in groups]
        self._judged = {state.key: self._judged.get(state.key, state.episode.since) for state in opened}
        spans = {post.post_id: post for post in changed}
        posts = sorted({*spans, *(state.subject for state in opened)})
        if not posts:
            return
        usual = await self._facts.usual(oldest, now, HISTORY_MINUTES)
        for page in _pages(posts):
            series = await self._facts.series(page, oldest, now)
            keys = [f"{key}:{post}" for post in page for key in groups]
            states = await self._raising.states(keys)
            for post, (key, group) in itertools.product(page, groups.items()):
                state = states.get(f"{key}:{post}", StoredState(f"{key}:{post}", post))
                minutes = self._minutes(state, group, spans.get(post), now, complete)
                await self._walk(state, group, series[post], usual, minutes)
                if state.is_open:
                    self._judged[state.key] = complete

    def _minutes(
        self,
        state: StoredState,
        group: Sequence[PostRule],
        changed: ChangedPost | None,
        now: int,
        complete: int,
    ) -> range:
        """The windows that end with these minutes may look different from what they were."""
        if state.is_open:
            return range(self._judged.get(state.key, state.episode.since), complete + 1)
        if changed is None:
            return range(0)
        longest = max(rule.window_minutes for rule in group)
        return range(max(changed.first, state.episode.since), min(changed.last + longest - 1, now) + 1)

    async def _walk(
        self, state: StoredState, group: Sequence[PostRule], post: Series, usual: Usual, minutes: range
    ) -> None:
        if not minutes or not (state.is_open or _any_worth(group, post, minutes)):
            return
        changes = walk(
            state.episode, minutes, lambda minute: [judge_post(rule, post, usual, minute) for rule in group]
        )
        for episode, change in changes:
            state = await self._raising.apply(state, episode, change)


def floors(rules: RuleSet) -> tuple[int, int, int]:
    """What makes a post worth a look: the longest window, and in it the fewest likes or flips that a rule asks for."""
    windows = [rule.window_minutes for rule in rules.posts]
    likes = [rule.min_suspicious for rule in rules.posts if not isinstance(rule, Flapping)]
    flips = [int(rule.threshold) for rule in rules.posts if isinstance(rule, Flapping)]
    return max(windows, default=1), min(likes, default=_NO_FLOOR), min(flips, default=_NO_FLOOR)


async def clear_orphans(
    raising: Raising, rules: RuleSet, open_states: Iterable[StoredState], now: int
) -> None:
    """Ends the alerts of rules that are no longer there."""
    keys = {rule.key for rule in (*rules.posts, *rules.sources)}
    for state in open_states:
        if _group_of(state) not in keys:
            for episode, change in walk(state.episode, [max(now, state.episode.since)], lambda _: []):
                await raising.apply(state, episode, change)


def _group_of(state: StoredState) -> str:
    return state.key.partition(":")[0]


def _any_worth(group: Sequence[PostRule], post: Series, minutes: range) -> bool:
    return any(bool(np.any(worth_judging(rule, post, minutes[0], minutes[-1]))) for rule in group)


def _pages(posts: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(posts), _POSTS_AT_ONCE):
        yield posts[start : start + _POSTS_AT_ONCE]
