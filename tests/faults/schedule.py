"""Which faults, in which order: drawn from a seed, so that a failure can be repeated."""

import random
from collections.abc import Iterator, Sequence

from tests.faults.fault import Fault


def shuffled_rounds(faults: Sequence[Fault], seed: int) -> Iterator[Fault]:
    """Without an end: every fault once in random order, then all of them again in another. No fault twice in a row."""
    rng = random.Random(f"schedule {seed}")
    last: Fault | None = None
    while True:
        order = rng.sample(faults, len(faults))
        if len(order) > 1 and order[0] is last:
            order.append(order.pop(0))
        yield from order
        last = order[-1]


def as_text(schedule: Sequence[Fault]) -> str:
    """The schedule for people: one fault a line, with its number."""
    return "\n".join(f"{number:3}. {fault.name}" for number, fault in enumerate(schedule, start=1))
