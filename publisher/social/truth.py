"""What is true of the posts, from what was accepted: counted one by one, without any of the pipeline's code."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from publisher.social.action import Action


class Figures(NamedTuple):
    """Of one post."""

    likes: int
    comments: int
    shares: int


class PostTruth:
    """The last word of each user on each post counts, by its time, in whatever order the actions are added."""

    def __init__(self) -> None:
        self._last_words: dict[tuple[str, str], tuple[int, bool]] = {}
        self._comments: Counter[str] = Counter()
        self._shares: Counter[str] = Counter()
        self._posts: set[str] = set()

    def add(self, action: Action) -> None:
        """One that was accepted; each but once."""
        if action.is_about_a_user:
            return
        self._posts.add(action.subject)
        match action.kind:
            case "like" | "unlike":
                pair, word = (action.user, action.subject), (action.at_us, action.kind == "like")
                self._last_words[pair] = max(self._last_words.get(pair, word), word)
            case "comment":
                self._comments[action.subject] += 1
            case "share":
                self._shares[action.subject] += 1
            case _:
                pass

    def figures(self) -> dict[str, Figures]:
        """Of every post that somebody has said something about."""
        likes = self._likes(None)
        return {post: Figures(likes[post], self._comments[post], self._shares[post]) for post in self._posts}

    def likes_of_day(self, day: date) -> dict[str, int]:
        """People who like a post, and said so last on that day of UTC. Without posts that have none."""
        return dict(self._likes(day))

    def by_likes(self) -> Sequence[str]:
        """All posts, the most liked first."""
        likes = self._likes(None)
        return sorted(self._posts, key=lambda post: (-likes[post], post))

    def _likes(self, day: date | None) -> Counter[str]:
        likes: Counter[str] = Counter()
        for (_, post), (at_us, is_liked) in self._last_words.items():
            if is_liked and (day is None or datetime.fromtimestamp(at_us / 1e6, UTC).date() == day):
                likes[post] += 1
        return likes
