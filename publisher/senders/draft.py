"""What kinds of updates are made of: an id of their own, a moment, and chance."""

import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from publisher.people import PERSONAS, facebook_cast
from publisher.senders.update import Expected

ChoiceT = TypeVar("ChoiceT")

PREFIX_DIGITS, NUMBER_DIGITS = 9, 8

_TEXTS = (
    "Where can I buy this? \U0001f6d2",
    "Do you ship to Österreich?",
    "¡Qué lindo! ❤️",
    "Är ni öppna i dag?",
    "Xin chào, còn hàng không?",
    "mine arrived broken :/ <br> 100% disappointed @support",
    'She said "wow" \\o/',
    "ありがとうございます",
)
_PRODUCTS = ("Tröja", "Mug", "Desk lamp", "Kaffeböna 1 kg", "Sneakers \U0001f45f", "Poster")
_CURRENCIES = ("USD", "USD", "EUR", "EUR", "SEK", "GBP", "JPY")


class Tokens:
    """Ids of updates: 17 digits, too many for a float. The same seed and start give the same ones again."""

    def __init__(self, seed: int, start_ms: int) -> None:
        digest = int.from_bytes(sha256(f"tokens {seed} {start_ms}".encode()).digest())
        first = 10 ** (PREFIX_DIGITS - 1)
        self.prefix = str(first + digest % (9 * first))
        self.count = 0

    def next(self) -> str:
        self.count += 1
        return f"{self.prefix}{self.count:0{NUMBER_DIGITS}}"


class Draft:
    """An update that is being made: `token` is its own id, `at_ms` when it happened, `account` whose page it is."""

    __slots__ = ("account", "at_ms", "rng", "token")

    def __init__(self, rng: random.Random, token: str, at_ms: int, account: str = "") -> None:
        self.rng = rng
        self.token = token
        self.at_ms = at_ms
        self.account = account

    @property
    def seconds(self) -> int:
        """When it happened, as most providers write it."""
        return self.at_ms // 1000

    @property
    def whole_ms(self) -> int:
        """The same in milliseconds, as it must be stored."""
        return self.seconds * 1000

    def choose(self, options: Sequence[ChoiceT]) -> ChoiceT:
        return options[int(self.rng.random() * len(options))]

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def number(self, digits: int) -> str:
        """An id of something else."""
        first = 10 ** (digits - 1)
        return str(first + int(self.rng.random() * 9 * first))

    def person(self) -> tuple[str, str]:
        """Id and name of somebody who may come back."""
        index = int(self.rng.random() * 4096)
        return str(5_512_345_678_900_000 + index), facebook_cast()[index % PERSONAS].name

    def text(self) -> str:
        return self.choose(_TEXTS)

    def product(self) -> str:
        return self.choose(_PRODUCTS)

    def currency(self) -> str:
        return self.choose(_CURRENCIES)

    def amount(self) -> Decimal:
        """Of a purchase: 1.00 to 499.99."""
        return Decimal(self.rng.randrange(100, 50_000)).scaleb(-2)

    def hashed(self) -> str:
        """Somebody's address, as conversions carry it."""
        return sha256(f"{self.person()[0]}@example.com".encode()).hexdigest()


class Made(NamedTuple):
    """What a kind gives: the update as its provider writes it, and what must become of it."""

    content: dict[str, Any]
    expected: Expected


Make = Callable[[Draft], Made]


class Mixture:
    """Kinds by how often they come. `unknown` are those of which no documentation tells."""

    def __init__(self, known: Mapping[Make, int], unknown: Sequence[Make]) -> None:
        self._known = list(known)
        self._weights = list(known.values())
        self._unknown = unknown

    def choose(self, rng: random.Random, unknown_ratio: float) -> Make:
        if self._unknown and rng.random() < unknown_ratio:
            return rng.choice(self._unknown)
        return rng.choices(self._known, self._weights)[0]
