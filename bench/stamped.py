"""`python -m bench.stamped RATE SECONDS`: single-event POSTs at a steady rate, with a time stamp on each.

Open loop: an event is sent when it is due, whether or not the ones before were answered, and its latency counts
from then. At the end it writes one line of JSON: when each event was due and answered.
"""

import asyncio
import os
import sys
import time

import msgspec
import uvloop

from publisher.connection import NoAnswer
from publisher.generator import Generator
from publisher.pool import Connections

_START_SECONDS = 0.5


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """Times are seconds since 1970. Status 0: no answer."""

    event_id: str
    due_at: float
    answered_at: float
    status: int


async def send(rate: float, seconds: float, endpoint: str) -> list[Stamp]:
    """Returns when every POST is answered."""
    generator = Generator(seed=time.time_ns())
    connections = Connections(endpoint, {})
    stamps: list[Stamp] = []

    async def one(due_at: float) -> None:
        event = generator.event(int(due_at * 1000))
        try:
            status = (await connections.post(event.raw)).status
        except NoAnswer:
            status = 0
        stamps.append(Stamp(event.event_id, due_at, time.time(), status))

    started = time.time() + _START_SECONDS
    async with asyncio.TaskGroup() as sending:
        for number in range(int(rate * seconds)):
            due_at = started + number / rate
            if (wait := due_at - time.time()) > 0:
                await asyncio.sleep(wait)
            sending.create_task(one(due_at))
    connections.close()
    return stamps


def main() -> None:
    rate, seconds = float(sys.argv[1]), float(sys.argv[2])
    stamps = uvloop.run(send(rate, seconds, os.environ["EVENT_ENDPOINT"]))
    # Buffered, whatever PYTHONUNBUFFERED says: a bare write to a pipe may write a part only.
    with open(1, "wb", closefd=False) as output:
        output.write(msgspec.json.encode(stamps) + b"\n")


if __name__ == "__main__":
    main()
