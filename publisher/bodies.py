"""Request bodies: fresh events, now and then one that was sent before, and a corrupted one at the end."""

import random
from collections import deque
from collections.abc import Iterator

import msgspec

from publisher.batch import Batch, GeneratedEvent
from publisher.corruption import Corrupted, corrupt_at_random
from publisher.facts import Facts
from publisher.generator import Generator, Span

CHUNK_EVENTS = 1_000  # about 2 ms of generating, after which others may run
_RESENDABLE = 10_000  # how many sent events are at hand to be sent again
_KEPT_PER_BODY = 500


class Repeat:
    """An event that is, or may be, sent more than once. `counted`: one of its bodies has been accepted."""

    __slots__ = ("counted", "event")

    def __init__(self, event: GeneratedEvent) -> None:
        self.event = event
        self.counted = False


class Body(msgspec.Struct, frozen=True):
    """One POST: the payload, and what it is made of in the order of its elements: fresh, repeats,
    corrupted.

    `kept`: the fresh events, by index, that later bodies may repeat. Fresh and corrupted events happened
    from `earliest_ms` to `latest_ms`, both inclusive.
    """

    payload: bytes
    facts: Facts
    kept: dict[int, Repeat]
    repeats: list[Repeat]
    corrupted: Corrupted | None
    earliest_ms: int
    latest_ms: int

    def __len__(self) -> int:
        return len(self.facts) + len(self.repeats) + (self.corrupted is not None)


class BodyMaker:
    """Makes bodies from a generator: arrays, or with `single` bare objects of one event each.

    `malformed_ratio` is the probability that a body gets a corrupted event, `duplicate_ratio` that an
    element is one that was sent before.
    """

    def __init__(
        self,
        generator: Generator,
        seed: int,
        *,
        malformed_ratio: float = 0.0,
        duplicate_ratio: float = 0.0,
        single: bool = False,
    ) -> None:
        self._generator = generator
        self._rng = random.Random(f"bodies {seed}")
        self._malformed_ratio = malformed_ratio
        self._duplicate_ratio = duplicate_ratio
        self._single = single
        self._sent: deque[Repeat] = deque(maxlen=_RESENDABLE)

    def make(self, sizes: list[int], first_ns: int, covers_ns: int) -> Iterator[Body | None]:
        """One body per size, their events happening evenly over `covers_ns` from `first_ns` on.

        Yields None between chunks of work, so that an event loop can attend to others.
        """
        repeats = [self._repeats(size) for size in sizes]
        fresh = [size - len(again) for size, again in zip(sizes, repeats, strict=True)]
        step_ns = covers_ns // max(1, sum(fresh))
        batches: list[Batch] = []
        for start in range(0, sum(fresh), CHUNK_EVENTS):
            count = min(CHUNK_EVENTS, sum(fresh) - start)
            batches.append(self._generator.batch(count, Span(first_ns + start * step_ns, step_ns)))
            yield None
        stock = Batch.joined(batches)
        start, end_ms = 0, (first_ns + covers_ns) // 1_000_000
        for count, again in zip(fresh, repeats, strict=True):
            yield self._body(stock.between(start, start + count), again, end_ms)
            start += count

    def _repeats(self, size: int) -> list[Repeat]:
        if self._duplicate_ratio <= 0 or not self._sent:
            return []
        count = sum(self._rng.random() < self._duplicate_ratio for _ in range(size))
        return [self._rng.choice(self._sent) for _ in range(count)]

    def _body(self, batch: Batch, repeats: list[Repeat], at_ms: int) -> Body:
        corrupted = None
        if self._malformed_ratio > 0 and self._rng.random() < self._malformed_ratio:
            corrupted = corrupt_at_random(self._generator.event(at_ms), self._rng)
            if self._single:  # a single object has no last element: the corrupted event takes its place
                batch, repeats = Batch.joined([]), []
        elements = batch.raws + [again.event.raw for again in repeats]
        if corrupted is not None:
            elements.append(corrupted.raw)
        payload = elements[0] if self._single else b"[" + b",".join(elements) + b"]"
        moments = batch.moments_ms if corrupted is None else [*batch.moments_ms, corrupted.event.moment_ms]
        earliest, latest = (min(moments), max(moments)) if moments else (at_ms, at_ms)
        return Body(payload, batch.facts, self._keep(batch), repeats, corrupted, earliest, latest)

    def _keep(self, batch: Batch) -> dict[int, Repeat]:
        size = len(batch.raws)
        if self._duplicate_ratio <= 0 or size == 0:
            return {}
        wanted = min(size, 1 + int(2 * size * self._duplicate_ratio), _KEPT_PER_BODY)
        kept = {index: Repeat(batch.event(index)) for index in self._rng.sample(range(size), wanted)}
        self._sent.extend(kept.values())
        return kept
