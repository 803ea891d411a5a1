"""Makes Meta's deliveries: up to a thousand updates of one object, now and then one that was in an earlier batch."""

import random
from collections import deque
from functools import partial

from publisher.senders.draft import Draft, Tokens
from publisher.senders.making import Ratios, lost_answers
from publisher.senders.meta.envelope import body_of
from publisher.senders.meta.mix import TABLE, Mix
from publisher.senders.spoiling import ANY, spoil
from publisher.senders.update import Delivery, Update

MAX_UPDATES = 1_000
_ACCOUNTS = 3
_AGE_SECONDS = 5.0
_REPEATABLE = 5_000
_OF_WHATSAPP = ("text", "time")
"""What is no object at all is still told from a message when it comes with others, but not when it comes alone."""


class MetaMaker:
    """Seeded: the same seed, times and sizes give the same deliveries."""

    def __init__(self, seed: int, tokens: Tokens, ratios: Ratios) -> None:
        self._rng = random.Random(f"meta {seed}")
        self._tokens = tokens
        self._ratios = ratios
        self._sent: dict[str, deque[Update]] = {}

    def size(self, limit: int) -> int:
        """Of the next delivery: mostly a few, now and then as many as there may be."""
        return max(1, round(min(limit, MAX_UPDATES) ** self._rng.random()))

    def make(self, size: int, at_ms: int) -> Delivery:
        """One delivery that is sent at that time."""
        [mix] = self._rng.choices(TABLE, [mix.weight for mix in TABLE])
        sent = self._sent.setdefault(mix.object, deque(maxlen=_REPEATABLE))
        updates, first = list[Update](), self._tokens.count
        for _ in range(size):
            if sent and self._rng.random() < self._ratios.duplicate:
                updates.append(self._rng.choice(sent))
            else:
                updates.append(self._update(mix, at_ms))
        chosen = tuple({update.token: update for update in updates}.values())
        repeats = len(chosen) - (self._tokens.count - first)
        sent.extend(update for update in chosen if _may_be_repeated(update))
        return Delivery(
            updates=chosen,
            write=partial(body_of, mix.object, chosen),
            sent_at=at_ms // 1000,
            lost_answers=lost_answers(self._rng, self._ratios),
            repeats=repeats,
        )

    def _update(self, mix: Mix, at_ms: int) -> Update:
        rng, token, shape = self._rng, self._tokens.next(), self._rng.choice(mix.shapes)
        account = token if shape == "changed_fields" else f"10314939831918{rng.randrange(_ACCOUNTS)}"
        draft = Draft(rng, token, at_ms - int(rng.random() * _AGE_SECONDS * 1000), account)
        is_spoilt = shape != "changed_fields" and rng.random() < self._ratios.malformed
        made = mix.kinds.choose(rng, 0.0 if is_spoilt else self._ratios.unknown)(draft)
        if is_spoilt:
            flavours = _OF_WHATSAPP if shape == "whatsapp" else ANY
            return Update(token, spoil(draft, made.content, flavours), None, shape, account)
        return Update(token, made.content, made.expected, shape, account)


def _may_be_repeated(update: Update) -> bool:
    return update.expected is not None and not update.expected.is_new_each_time
