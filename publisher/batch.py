"""Generated events: many in columns, or one as an object."""

from decimal import Decimal
from itertools import chain

import msgspec

from publisher import columns
from publisher.facts import Facts
from publisher.people import FacebookPersona, TikTokPersona, facebook_cast, tiktok_cast
from publisher.templates import TYPES, EventType


class GeneratedEvent(msgspec.Struct, frozen=True):
    """One event in object form. `raw` is its JSON; `amount` is exact; `facts` is its row in the truth."""

    kind: EventType
    event_id: str
    moment_ms: int
    user_id: str
    persona: FacebookPersona | TikTokPersona
    amount: Decimal | None
    raw: bytes
    facts: Facts

    @property
    def timestamp(self) -> str:
        """ISO 8601 with milliseconds, as in the JSON."""
        return columns.iso(self.moment_ms).decode()

    @property
    def source(self) -> str:
        return self.kind.source

    @property
    def funnel_stage(self) -> str:
        return self.kind.funnel_stage

    @property
    def event_type(self) -> str:
        return self.kind.event_type


class Batch(msgspec.Struct, frozen=True):
    """Events in the order of sending: `raws` is the JSON of each, `facts` what to remember of them."""

    raws: list[bytes]
    facts: Facts
    moments_ms: list[int]
    users: list[bytes]
    personas: list[int]

    @classmethod
    def joined(cls, batches: "list[Batch]") -> "Batch":
        """The events of all batches, one after another."""
        if len(batches) == 1:
            return batches[0]
        return cls(
            raws=list(chain.from_iterable(batch.raws for batch in batches)),
            facts=Facts.joined([batch.facts for batch in batches]),
            moments_ms=list(chain.from_iterable(batch.moments_ms for batch in batches)),
            users=list(chain.from_iterable(batch.users for batch in batches)),
            personas=list(chain.from_iterable(batch.personas for batch in batches)),
        )

    def between(self, start: int, stop: int) -> "Batch":
        """The events of `range(start, stop)`."""
        if (start, stop) == (0, len(self.raws)):
            return self
        return Batch(
            self.raws[start:stop],
            self.facts.between(start, stop),
            self.moments_ms[start:stop],
            self.users[start:stop],
            self.personas[start:stop],
        )

    def event(self, index: int) -> GeneratedEvent:
        """One of the events in object form."""
        facts = self.facts.between(index, index + 1)
        kind = TYPES[facts.codes[0]]
        cast = facebook_cast() if kind.source == "facebook" else tiktok_cast()
        return GeneratedEvent(
            kind=kind,
            event_id=facts.event_id(0),
            moment_ms=self.moments_ms[index],
            user_id=self.users[index].decode(),
            persona=cast[self.personas[index]],
            amount=Decimal(facts.measures[0]).scaleb(-2) if kind.is_transaction else None,
            raw=self.raws[index],
            facts=facts,
        )
