"""Everything that another program could put into the stream and that cannot be stored, between good neighbours."""

import json
import random
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from publisher import Generator, Span
from publisher.templates import ID_PREFIX

SOURCE = "facebook"
FORMAT = "facebook.event.v1"
_MARK = "@@"


@dataclass(frozen=True)
class Poison:
    """One event that must end as a dead letter. `key` is the id it carries, 16 bytes, or empty where it has none."""

    kind: str
    raw: bytes
    key: bytes


def neighbours(seed: int, count: int) -> list[tuple[bytes, bytes]]:
    """Good events of the source: (raw, id as 16 bytes)."""
    batch = Generator(seed).batch(4 * count + 40, Span(time.time_ns(), 1_000))
    events = [
        (raw, batch.facts.ids[16 * index : 16 * index + 16])
        for index, raw in enumerate(batch.raws)
        if b'"source":"facebook"' in raw
    ]
    return events[:count]


def poisons(seed: int) -> Iterator[Poison]:
    """One of every kind."""
    rng = random.Random(f"poison {seed}")
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    # Random, because Postgres compresses what it can before it says that an index entry is too large.
    long = "".join(rng.choices(letters, k=10_000))

    def made(kind: str, text: str = "", **changes: Any) -> Poison:
        """`text` replaces the mark in the JSON of the changed event: what no encoder would write."""
        key = uuid.UUID(int=rng.getrandbits(128), version=4)
        event: dict[str, Any] = _purchase(rng)
        event["eventId"] = ID_PREFIX[SOURCE] + str(key)
        for name, value in changes.items():
            place = event
            *way, last = name.split("__")
            for step in way:
                place = place[step]
            place[last] = value
        raw = json.dumps(event).replace(f'"{_MARK}"', text or f'"{_MARK}"')
        return Poison(kind, raw.encode("utf-8", "surrogatepass"), key.bytes)

    yield made("NUL in a text", data__user__name="a\0b")
    yield made("half a surrogate pair", '"\\ud83d"', data__user__name=_MARK)
    yield made("the other half", '"x\\udc00"', extra=_MARK)
    yield made("1e400 where an age belongs", "1e400", data__user__age=_MARK)
    yield made("an age of 400 digits", "9" * 400, data__user__age=_MARK)
    yield made("an amount of 400 digits", data__engagement__purchaseAmount="9" * 400)
    yield made("an id of 10 kB", eventId=long)
    yield made("a campaign of 10 kB, too large for its index", data__engagement__campaignId=long)
    yield made("malformed JSON", '{"a":}', data__user__location=_MARK)
    yield made("nested 100,000 deep", "[" * 100_000 + "]" * 100_000, extra=_MARK)
    yield made("the year 9999", timestamp="9999-12-31T23:59:59Z")
    yield made("before the year 1 in UTC", timestamp="0001-01-01T00:00:00+14:00")
    yield made("a 13th month", timestamp="2026-13-01T00:00:00Z")
    yield made("NaN", "NaN", data__user__age=_MARK)
    yield made("an unknown source", source="myspace")
    yield made("an unknown type", eventType="x" * 10_000)
    yield Poison("a number instead of an event", b"17", b"")
    yield Poison("null instead of an event", b"null", b"")


def no_batches(seed: int) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Messages that are no record batch at all: (kind, payload, headers)."""
    good = {"Sluice-Format": FORMAT, "Sluice-Received-At": "2026-05-14T10:46:28+00:00"}
    yield "no headers", f'[{{"a": {seed}}}]'.encode(), {}
    yield "no JSON", b"\x00\xff\xfe not json %d" % seed, good
    yield "empty", b"", good
    yield "an object", b'{"events": %d}' % seed, good
    yield "a broken-off array", b'[{"eventId": "%d' % seed, good
    yield "half a million brackets", b"[" * 500_000, good
    yield "a time that is none", b"[%d]" % seed, {**good, "Sluice-Received-At": "yesterday"}
    yield "an unknown format", b'[{"eventId": "f-%d"}]' % seed, {**good, "Sluice-Format": "fax-v1"}


def _purchase(rng: random.Random) -> dict[str, Any]:
    generator = Generator(rng.getrandbits(32))
    while True:
        event = generator.event(int(time.time() * 1000))
        if event.kind.event_type == "checkout.complete":
            return json.loads(event.raw)
