"""Makes what people do: seeded, so that the same seed and times give the same actions."""

import random
from collections.abc import Iterator, Mapping
from hashlib import sha256

from publisher.social.action import Action, Kind
from publisher.social.people import People
from publisher.social.popularity import Popularity
from publisher.social.spoiling import choose_flaw

MINUTE_US = 60_000_000
_DAY_US = 1440 * MINUTE_US

PAST_POSTS = 40
PAST_ACTIONS = 800
PAST_MINUTES = 150
"""How far back what is told of the past goes. With the likes in it alert rules know what is usual here."""
_ACQUAINTED_DAYS = 2.0, 6.0
"""So long ago people came: none of them is new."""

MIX: Mapping[Kind, int] = {
    "like": 66,
    "comment": 10,
    "share": 6,
    "follow": 8,
    "unlike": 4,
    "post": 4,
    "unfollow": 2,
}
"""What people do, in percent."""
_SAYS_WHEN = 0.8
_LIKES_AGAIN = 0.1
"""Of the likes, so many are of what was taken back, or was liked already."""
_LATENESS_US = 2_000_000
_REMEMBERED = 5_000
_WORDS = (
    *(
        "so",
        "good",
        "where",
        "is",
        "this",
        "I",
        "love",
        "it",
        "again",
        "tomorrow?",
        "no",
        "way!",
        "first",
        "thanks",
    ),
    *(
        "\U0001f602",
        "❤️",
        "¡qué",
        "lindo!",
        "ありがとう",
        "größer",
        "łał",
        "<b>not",
        "bold</b>",
        '"really"',
        "\\o/",
    ),
)


class Society:
    """`tag` is in the names of all that it makes: users `u-<tag>-…`, posts `p-<tag>-…`."""

    def __init__(self, seed: int, tag: str, users: int, malformed_ratio: float = 0.0) -> None:
        self.tag = tag
        self._rng = random.Random(f"society {seed}")
        self._malformed_ratio = 0.0
        self._malformed_ratio_now = malformed_ratio
        self.people = People(self._rng, user_prefix(tag), users)
        self._popularity = Popularity(self._rng)
        self._authors: dict[str, str] = {}
        self._liked: list[tuple[str, str]] = []
        self._following: list[tuple[str, str]] = []
        self._made = 0

    def past(self, now_us: int) -> Iterator[Action]:
        """What went before: everybody followed somebody days ago, and the last hours were like any other."""
        for user in self.people.names:
            days = self._rng.uniform(*_ACQUAINTED_DAYS)
            yield self._follow(user, now_us - int(days * _DAY_US))
        begin_us = now_us - PAST_MINUTES * MINUTE_US
        for _ in range(PAST_POSTS):
            yield self._post(begin_us - int(self._rng.random() * PAST_MINUTES * MINUTE_US))
        step_us = PAST_MINUTES * MINUTE_US // PAST_ACTIONS
        for number in range(PAST_ACTIONS):
            yield self.act(begin_us + number * step_us)
        # Not before: what is refused fails now, and beside actions of the past it would look like very much.
        self._malformed_ratio = self._malformed_ratio_now

    def act(self, at_us: int) -> Action:
        """What happens next, at that time or a little before."""
        rng = self._rng
        at_us -= int(rng.random() * _LATENESS_US)
        [kind] = rng.choices(list(MIX), list(MIX.values()))
        match kind:
            case "post":
                action = self._post(at_us)
            case "follow":
                action = self._follow(self.people.somebody(), at_us)
            case "unfollow" if self._following:
                action = self._action("unfollow", *self._taken(self._following), at_us)
            case "unlike" if self._liked:
                action = self._action("unlike", *rng.choice(self._liked), at_us)
            case "like" if self._liked and rng.random() < _LIKES_AGAIN:
                action = self._action("like", *rng.choice(self._liked), at_us)
            case "comment" | "share":
                action = self._reaction(kind, at_us)
            case _:
                action = self._reaction("like", at_us)
        return action

    def quiet_post(self) -> str:
        """One of the posts of the past, which few care for."""
        counts = dict.fromkeys(list(self._authors)[:PAST_POSTS], 0)
        for _, post in self._liked:
            if post in counts:
                counts[post] += 1
        return min(counts, key=counts.__getitem__)

    def next_number(self) -> int:
        """Of the next action, also of one that is made elsewhere."""
        self._made += 1
        return self._made

    def _post(self, at_us: int) -> Action:
        author, post = self.people.old_hand(), f"{post_prefix(self.tag)}{len(self._authors) + 1}"
        self._authors[post] = author
        self._popularity.posted(post)
        text = self._text(40) if self._rng.random() < 0.9 else None
        return self._action("post", author, post, at_us, text)

    def _follow(self, user: str, at_us: int) -> Action:
        target = self.people.target_for(user)
        self._remember(self._following, (user, target))
        return self._action("follow", user, target, at_us)

    def _reaction(self, kind: Kind, at_us: int) -> Action:
        post = self._popularity.choose()
        user = self.people.reacting_to(self._authors[post])
        if kind == "like":
            self._remember(self._liked, (user, post))
        return self._action(kind, user, post, at_us, self._text(25) if kind == "comment" else None)

    def _action(self, kind: Kind, user: str, subject: str, at_us: int, text: str | None = None) -> Action:
        number = self.next_number()
        # Who says two things within a millisecond says them at two times all the same.
        at_us += number % 1000 - at_us % 1000
        # Without a time of its own the last word on a like would be whichever came last.
        is_timed = kind in ("like", "unlike", "follow", "unfollow") or self._rng.random() < _SAYS_WHEN
        flaw = choose_flaw(self._rng) if self._rng.random() < self._malformed_ratio else ""
        return Action(kind, user, subject, at_us, number, text, is_timed, flaw)

    def _text(self, most: int) -> str:
        return " ".join(self._rng.choices(_WORDS, k=1 + int(most * self._rng.random() ** 3)))

    def _remember(self, pairs: list[tuple[str, str]], pair: tuple[str, str]) -> None:
        if len(pairs) < _REMEMBERED:
            pairs.append(pair)
        else:
            pairs[int(self._rng.random() * _REMEMBERED)] = pair

    def _taken(self, pairs: list[tuple[str, str]]) -> tuple[str, str]:
        index = int(self._rng.random() * len(pairs))
        pairs[index], pairs[-1] = pairs[-1], pairs[index]
        return pairs.pop()


def tag_of(seed: int, start_ms: int) -> str:
    """What tells the run from all others: the same seed and start give the same one again."""
    return sha256(f"society {seed} {start_ms}".encode()).hexdigest()[:10]


def user_prefix(tag: str) -> str:
    """How the names of all users of a run begin."""
    return f"u-{tag}-"


def post_prefix(tag: str) -> str:
    """How the names of all posts of a run begin."""
    return f"p-{tag}-"
