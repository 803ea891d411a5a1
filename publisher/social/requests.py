"""Puts actions into requests, as apps do: the back end sends arrays for all its users, some users send their own."""

import random
from collections.abc import Sequence
from hashlib import sha256
from ipaddress import IPv4Address

import msgspec

from publisher.social.action import Action, content
from publisher.social.settings import SocialSettings
from publisher.social.spoiling import spoil

_KEYED = 0.3
"""So many requests have an Idempotency-Key in place of ids in their actions."""
_NETWORK = int(IPv4Address("198.18.0.0"))
_ADDRESSES = 2**17
"""198.18.0.0/15 is nobody's: it is set aside for tests (RFC 2544)."""


class Request(msgspec.Struct, frozen=True):
    """One POST, to be sent once or several times. `ids` are those that the app gives to its actions, None where the
    request's `key` stands for them. `user` sends it with a token of their own, None: the back end does. So many
    `lost_answers` count as if they had not come."""

    actions: tuple[Action, ...]
    ids: tuple[str | None, ...]
    payload: bytes
    user: str | None = None
    key: str = ""
    address: str = ""
    lost_answers: int = 0

    @property
    def good(self) -> int:
        """How many of the actions can be accepted."""
        return sum(not action.flaw for action in self.actions)


class RequestMaker:
    """Seeded: the same actions become the same requests. `tag` is in the ids."""

    def __init__(self, seed: int, tag: str, settings: SocialSettings) -> None:
        self._rng = random.Random(f"requests {seed}")
        self._tag = tag
        self._settings = settings
        self._made = 0

    def make(self, actions: Sequence[Action], *, own_tokens: float | None = None) -> list[Request]:
        """The requests in which actions that happen at a time are sent. `own_tokens` in place of the settings'."""
        own = self._settings.own_tokens if own_tokens is None else own_tokens
        together: list[Action] = []
        requests: list[Request] = []
        for action in actions:
            # The back end sends whatever it is told; a user's own app with a flawed user could not even sign in.
            alone = self._rng.random() < own and action.flaw != "user"
            if alone:
                requests.append(self._request([action], action.user))
            elif self._settings.forwarded_for:
                requests.append(self._request([action]))
            else:
                together.append(action)
        return [*requests, self._request(together)] if together else requests

    def _request(self, actions: Sequence[Action], user: str | None = None) -> Request:
        self._made += 1
        keyed = self._rng.random() < _KEYED and all(
            not action.flaw and action.says_when for action in actions
        )
        ids = tuple(None if keyed else f"a-{self._tag}-{action.number}" for action in actions)
        written = [
            spoil(content(action, own_id), action) for action, own_id in zip(actions, ids, strict=True)
        ]
        is_bare = len(written) == 1 and (user is not None or self._rng.random() < 0.5)
        lost = self._rng.choice((1, 1, 2)) if self._rng.random() < self._settings.duplicate_ratio else 0
        return Request(
            actions=tuple(actions),
            ids=ids,
            payload=msgspec.json.encode(written[0] if is_bare else written),
            user=user,
            key=f"r-{self._tag}-{self._made}" if keyed else "",
            address=address_of(actions[0].user) if self._settings.forwarded_for else "",
            lost_answers=lost,
        )


def address_of(user: str) -> str:
    """Where a user sends from, always the same."""
    number = int.from_bytes(sha256(user.encode()).digest()[:4])
    return str(IPv4Address(_NETWORK + number % _ADDRESSES))
