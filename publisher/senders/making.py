"""What the makers of deliveries have in common."""

import random
from typing import Protocol

import msgspec

from publisher.senders.update import Delivery


class Ratios(msgspec.Struct, frozen=True):
    """Shares of the updates, 0..1; `duplicate` also of the deliveries, whose answer is lost and which come again."""

    unknown: float = 0.03
    malformed: float = 0.01
    duplicate: float = 0.02


class Maker(Protocol):
    """Makes the deliveries of one provider."""

    def size(self, limit: int) -> int:
        """Updates in the next delivery."""
        ...

    def make(self, size: int, at_ms: int) -> Delivery:
        """The next delivery, which is sent at that time."""
        ...


def lost_answers(rng: random.Random, ratios: Ratios) -> int:
    """How many answers to a delivery are lost."""
    return rng.choice((1, 1, 2)) if rng.random() < ratios.duplicate else 0
