"""When which body is due: plans without I/O, and the wait for the next due moment.

Every due moment is computed from the start, never from the previous one, so a run does not drift. Waiting
for a moment to come is the one place where the publisher sleeps on purpose: there is no condition to await
but the clock.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import count as counting
from itertools import takewhile

import msgspec

_GROUP_EVENTS = (
    512  # small bodies are generated this many events at a time: the fixed cost of a batch is 50 µs
)


class Due(msgspec.Struct, frozen=True):
    """A body of `size` events is due `at_seconds` after the start; its events happened in the
    `covers_seconds` before.

    None as `at_seconds`: as soon as the sender is free.
    """

    at_seconds: float | None
    size: int
    covers_seconds: float = 0.0


def firehose(rng: random.Random, minimum: int, maximum: int) -> Iterator[Due]:
    """EVENTS §2: one body on every full second, of uniformly `minimum`..`maximum` events."""
    for second in counting():
        yield Due(float(second), rng.randint(minimum, maximum), 1.0)


def steady(rate: float, batch_size: int) -> Iterator[Due]:
    """`rate` events a second in bodies of `batch_size`, whether or not the last one was answered."""
    for index in counting():
        yield Due(index * batch_size / rate, batch_size, batch_size / rate)


def unpaced(batch_size: int) -> Iterator[Due]:
    """As fast as answers come back."""
    while True:
        yield Due(None, batch_size)


def limited(plan: Iterable[Due], *, count: int | None, duration_seconds: float | None) -> Iterator[Due]:
    """The plan until `count` events (the last body is cut to fit) or the duration, whichever is first."""
    if duration_seconds is not None:
        end = duration_seconds
        plan = takewhile(lambda due: due.at_seconds is None or due.at_seconds < end, plan)
    left = count
    for due in plan:
        if left is None:
            yield due
            continue
        size = min(due.size, left)
        left -= size
        yield msgspec.structs.replace(due, size=size)
        if left == 0:
            return


def grouped(plan: Iterable[Due]) -> Iterator[list[Due]]:
    """The same dues, small bodies taken together so that their events can be generated at once."""
    group: list[Due] = []
    events = 0
    for due in plan:
        group.append(due)
        events += due.size
        if events >= _GROUP_EVENTS:
            yield group
            group, events = [], 0
    if group:
        yield group


async def until(due_at: float, clock: Callable[[], float], stopped: asyncio.Event) -> bool:
    """Waits until the clock shows `due_at`; True unless `stopped` was set meanwhile."""
    if (wait := due_at - clock()) > 0:
        try:
            async with asyncio.timeout(wait):
                await stopped.wait()
        except TimeoutError:
            pass
    return not stopped.is_set()
