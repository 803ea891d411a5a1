"""Who does something, and who follows whom: some are far busier than others, and a few are followed by many."""

import random
from collections import defaultdict
from itertools import accumulate

_BUSY_EXPONENT = 0.6
"""The person of rank r does a share of 1 / r**0.6 of everything."""
_JOINING = 0.008
_NEWCOMERS = 0.007
"""Shares of what happens: somebody's first action, and the later ones of those who came during the run."""
_FANS = 0.4
"""So many reactions to a post are by people who follow its author."""
_FOLLOWING_THE_FOLLOWED = 0.8


class People:
    """Seeded by its `rng`. `names` are those who have been there for days."""

    def __init__(self, rng: random.Random, prefix: str, count: int) -> None:
        self._rng = rng
        self._prefix = prefix
        self.names = [f"{prefix}{number}" for number in range(1, count + 1)]
        self._weights = list(accumulate(1 / rank**_BUSY_EXPONENT for rank in range(1, count + 1)))
        self._newcomers: list[str] = []
        self._followed: list[str] = []
        self._followers: defaultdict[str, list[str]] = defaultdict(list)

    def somebody(self) -> str:
        """Whoever does something next."""
        chance = self._rng.random()
        if chance < _JOINING:
            name = f"{self._prefix}{len(self.names) + len(self._newcomers) + 1}"
            self._newcomers.append(name)
            return name
        if chance < _JOINING + _NEWCOMERS and self._newcomers:
            return self._rng.choice(self._newcomers)
        return self.old_hand()

    def old_hand(self) -> str:
        """One of those who have been there for days."""
        return self._rng.choices(self.names, cum_weights=self._weights)[0]

    def reacting_to(self, author: str) -> str:
        """Whoever reacts to a post of the author next."""
        fans = self._followers.get(author, ())
        return self._rng.choice(fans) if fans and self._rng.random() < _FANS else self.somebody()

    def target_for(self, user: str) -> str:
        """Whom the user follows next: preferably somebody whom many follow."""
        imitates = self._followed and self._rng.random() < _FOLLOWING_THE_FOLLOWED
        target = self._rng.choice(self._followed if imitates else self.names)
        if target == user:
            target = self.names[0] if user != self.names[0] else self.names[1]
        self._followed.append(target)
        self._followers[target].append(user)
        return target
