"""Events, seeded: the same seed and the same moments give the same bytes.

`Generator.batch` makes thousands at once: it draws whole columns, has them rendered
(`publisher/rendering.py`), and keeps the columns that are needed to know the truth afterwards.
`Generator.event` and `Batch.event` are views of the same columns, for tests and for events that are sent
twice. Measured on one core: 2.1 µs an event of 421 bytes.
"""

import random
from array import array

import msgspec

from publisher import columns
from publisher.batch import Batch, GeneratedEvent
from publisher.facts import Facts
from publisher.people import PERSONAS
from publisher.rendering import render
from publisher.templates import TYPE_OF_DRAW, TYPES

_NS_PER_MS = 1_000_000


class Mix(msgspec.Struct, frozen=True):
    """How the events differ from fresh ones in order. Ratios are probabilities per event, 0..1."""

    returning_users: float = 0.0
    user_pool: int = 10_000
    out_of_order: float = 0.0
    spread_seconds: float = 3_600.0


class Span(msgspec.Struct, frozen=True):
    """When the events of a batch happen: the first `first_ns` after 1970, each next one `step_ns` later."""

    first_ns: int
    step_ns: int = 0


class Generator:
    """An endless seeded source of valid events.

    `crowd[slot]` is the persona of a returning user, in both sources.
    """

    def __init__(self, seed: int, mix: Mix | None = None) -> None:
        self._mix = mix or Mix()
        self._rng = random.Random(f"events {seed}")
        pool = random.Random(f"crowd {seed}")
        self._crowd_ids = columns.uuid_texts(columns.uuid4_bytes(pool, self._mix.user_pool))
        self.crowd = [pool.randrange(PERSONAS) for _ in range(self._mix.user_pool)]

    def event(self, at_ms: int) -> GeneratedEvent:
        """The next event, happening at `at_ms` since 1970 (unless the mix moves it into the past)."""
        return self.batch(1, Span(at_ms * _NS_PER_MS)).event(0)

    def batch(self, count: int, span: Span) -> Batch:
        """The next `count` events.

        A few thousand at a time are cheapest, and stall an event loop for milliseconds.
        """
        rng = self._rng
        codes = bytes(map(TYPE_OF_DRAW.__getitem__, columns.draws(rng, count)))
        ids = columns.uuid4_bytes(rng, count)
        people, personas, users = self._people(count)
        measures = array(
            "i",
            [
                kind.floor + (draw * kind.width >> 32)
                for kind, draw in zip(
                    map(TYPES.__getitem__, codes), columns.wide_draws(rng, count), strict=True
                )
            ],
        )
        moments = self._moments(count, span)
        facts = Facts(ids, codes, people, measures)
        return Batch(render(rng, facts, moments, users, personas), facts, moments, users, personas)

    def _people(self, count: int) -> tuple["array[int]", list[int], list[bytes]]:
        """What `Facts.people` keeps, the persona of each event, and its user id."""
        personas = [draw & PERSONAS - 1 for draw in columns.draws(self._rng, count)]
        users = columns.uuid_texts(columns.uuid4_bytes(self._rng, count))
        people = array("i", personas)
        if self._mix.returning_users > 0:
            chance, pool = self._mix.returning_users, self._mix.user_pool
            for index in range(count):
                if self._rng.random() < chance:
                    slot = int(self._rng.random() * pool)
                    people[index] = ~slot
                    personas[index] = self.crowd[slot]
                    users[index] = self._crowd_ids[slot]
        return people, personas, users

    def _moments(self, count: int, span: Span) -> list[int]:
        first, step = span.first_ns, span.step_ns
        if step == 0:
            moments = [first // _NS_PER_MS] * count
        else:
            moments = [ns // _NS_PER_MS for ns in range(first, first + count * step, step)]
        if self._mix.out_of_order > 0:
            chance, spread_ms = self._mix.out_of_order, self._mix.spread_seconds * 1000
            for index in range(count):
                if self._rng.random() < chance:
                    moments[index] -= int(self._rng.random() * spread_ms)
        return moments
