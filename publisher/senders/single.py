"""Makes the deliveries of providers that send one event a POST."""

import random
from collections.abc import Callable, Sequence

import msgspec

from publisher.senders.draft import Draft, Mixture, Tokens
from publisher.senders.making import Ratios, lost_answers
from publisher.senders.spoiling import spoil
from publisher.senders.update import Content, Delivery, Update

_AGE_SECONDS = 5.0
_CUT_OFF = "cut off"


class Manner(msgspec.Struct, frozen=True):
    """How one provider writes. `body` gives the bytes around an update's content; `flavours` are the ways of
    `spoiling.py` in which an event can be one that nobody can store."""

    name: str
    kinds: Mixture
    flavours: Sequence[str]
    body: Callable[[Content], bytes]
    webhook_id: Callable[[str], str] = lambda _token: ""
    content_type: Callable[[Content], str] = lambda _content: "application/json"


class SingleMaker:
    """Seeded: the same seed and times give the same deliveries."""

    def __init__(self, manner: Manner, seed: int, tokens: Tokens, ratios: Ratios) -> None:
        self._manner = manner
        self._rng = random.Random(f"{manner.name} {seed}")
        self._tokens = tokens
        self._ratios = ratios

    def size(self, limit: int) -> int:
        """Always one."""
        return 1

    def make(self, size: int, at_ms: int) -> Delivery:
        """One event, delivered at that time."""
        rng, manner, token = self._rng, self._manner, self._tokens.next()
        draft = Draft(rng, token, at_ms - int(rng.random() * _AGE_SECONDS * 1000))
        is_spoilt = rng.random() < self._ratios.malformed
        made = manner.kinds.choose(rng, 0.0 if is_spoilt else self._ratios.unknown)(draft)
        content, expected = made.content, made.expected
        body = manner.body(content)
        if is_spoilt:
            expected = None
            flavour = draft.choose((*manner.flavours, _CUT_OFF))
            is_cut = flavour == _CUT_OFF
            body = body[:-2] if is_cut else manner.body(spoil(draft, content, (flavour,)))
        return Delivery(
            updates=(Update(token, content, expected),),
            write=lambda _sent_at: body,
            sent_at=at_ms // 1000,
            lost_answers=lost_answers(rng, self._ratios),
            webhook_id=manner.webhook_id(token),
            content_type=manner.content_type(content),
        )
