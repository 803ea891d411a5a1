"""Social actions as a real audience would make them: a few posts and a few people get most of it."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import msgspec

from collectors.social import ACTION_FORMAT
from collectors.social.events import envelop
from pipeline.events.batch import RecordBatch, pack

_KINDS = {"like": 66, "unlike": 4, "comment": 12, "share": 5, "post": 5, "follow": 6, "unfollow": 2}
_POPULARITY = 1.05
"""The exponent of Zipf's law: the post of rank r gets a share of 1 / r**1.05."""
_PER_SECOND = 15_000
"""How many of them happen at a time: a batch is about a fraction of a second, as it is where it comes from."""
_LATENESS_SECONDS = 2.0


class Audience:
    """People and posts; reproducible by its seed."""

    def __init__(self, seed: int, users: int = 50_000, posts: int = 20_000) -> None:
        self._random = random.Random(seed)
        self._users = range(users)
        self._posts = range(posts)
        self._user_weights = _cumulative_weights(users)
        self._post_weights = _cumulative_weights(posts)
        self._made = 0

    def batches(self, actions: int) -> Iterator[RecordBatch]:
        """So many actions that have just happened, a little out of order, in full record batches."""
        now = datetime.now(UTC)
        for group in pack(self._action(now) for _ in range(actions)):
            yield RecordBatch("social", ACTION_FORMAT.name, group, now, [("bench", len(group))])

    def _action(self, now: datetime) -> msgspec.Raw:
        self._made += 1
        [kind] = self._random.choices(list(_KINDS), list(_KINDS.values()))
        [user] = self._random.choices(self._users, cum_weights=self._user_weights)
        action = {"userId": f"u-{user}", "type": kind}
        if kind in ("follow", "unfollow"):
            action["targetUserId"] = (
                f"u-{self._random.choices(self._users, cum_weights=self._user_weights)[0]}"
            )
        else:
            action["postId"] = f"p-{self._random.choices(self._posts, cum_weights=self._post_weights)[0]}"
        if kind in ("comment", "post"):
            action["text"] = "a few words of what one says there, " * self._random.randint(1, 5)
        since = (self._made / _PER_SECOND) % 600 - 600 - _LATENESS_SECONDS * self._random.random()
        at = now + timedelta(seconds=since)
        raw = msgspec.Raw(msgspec.json.encode(action))
        return envelop(raw, f"bench-{self._made:012d}", at.isoformat(), f"{user % 4999:016x}")


def _cumulative_weights(count: int) -> list[float]:
    return list(accumulate(1 / rank**_POPULARITY for rank in range(1, count + 1)))
