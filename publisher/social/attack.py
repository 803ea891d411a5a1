"""Bots that like one post: made for it, so that this is the first that is heard of any of them."""

from collections.abc import Iterator

from publisher import pacing
from publisher.pacing import Due
from publisher.social.action import Action
from publisher.social.settings import AttackSettings
from publisher.social.society import Society, user_prefix

_STEP_SECONDS = 0.5


class BotAttack:
    """The attack of a run on a `post`. `began_at` is in seconds since 1970, None before its first like."""

    def __init__(self, settings: AttackSettings, society: Society) -> None:
        self._settings = settings
        self._society = society
        self._liked = 0
        self.post = settings.post
        self.began_at: float | None = None

    def choose_post(self) -> None:
        """Once the society has a past, there is one to choose."""
        self.post = self._settings.post or self._society.quiet_post()

    def plan(self) -> Iterator[Due]:
        """How many likes are due when, in seconds after the first: evenly over the time of the attack."""
        settings = self._settings
        rate = settings.bots / settings.over_seconds
        size = max(1, round(rate * _STEP_SECONDS))
        return pacing.limited(pacing.steady(rate, size), count=settings.bots, duration_seconds=None)

    def likes(self, size: int, now: float) -> list[Action]:
        """The next likes, which happen now (s since 1970)."""
        if self.began_at is None:
            self.began_at = now
        return [self._like(now) for _ in range(size)]

    def _like(self, now: float) -> Action:
        self._liked += 1
        number = self._society.next_number()
        bot = f"{user_prefix(self._society.tag)}bot-{self._liked}"
        return Action("like", bot, self.post, int(now * 1e6), number)
