"""Which post is looked at next: a few get most of it, and new ones have their hour.

Most people react to what others have just reacted to: a post is drawn from the last reactions, so it gets more of them
the more it has (Yule 1925, Simon 1955), and is forgotten when others take its place. The rest find posts by themselves,
by how appealing they are. Both are heavy-tailed: how likes spread over posts follows a power law.
"""

import random
from collections import deque
from itertools import accumulate

_REMEMBERED = 2_000
"""So many reactions are what people see of others."""
_IMITATION = 0.8
"""So many of the reactions follow others."""
_FINDABLE = 300
"""So many of the newest posts can be found by oneself."""
_APPEAL_EXPONENT = 1.1
_LARGEST_APPEAL = 150.0
_BURST = 2
"""Reactions to a new post that people see at once, times its appeal: those who follow its author are told of it."""


class Popularity:
    """Seeded by its `rng`. Constant time and memory for each choice."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._reactions: list[str] = []
        self._oldest = 0
        self._posts: deque[str] = deque(maxlen=_FINDABLE)
        self._appeals: deque[float] = deque(maxlen=_FINDABLE)
        self._weights: list[float] = []

    def posted(self, post: str) -> None:
        """There is a new post."""
        appeal = min(self._rng.paretovariate(_APPEAL_EXPONENT), _LARGEST_APPEAL)
        self._posts.append(post)
        self._appeals.append(appeal)
        self._weights = list(accumulate(self._appeals))
        for _ in range(round(_BURST * appeal)):
            self._see(post)

    def choose(self) -> str:
        """The post that somebody reacts to. There must be one."""
        if self._rng.random() < _IMITATION:
            post = self._reactions[int(self._rng.random() * len(self._reactions))]
        else:
            [post] = self._rng.choices(self._posts, cum_weights=self._weights)
        self._see(post)
        return post

    def _see(self, post: str) -> None:
        if len(self._reactions) < _REMEMBERED:
            self._reactions.append(post)
            return
        self._reactions[self._oldest] = post
        self._oldest = (self._oldest + 1) % _REMEMBERED
