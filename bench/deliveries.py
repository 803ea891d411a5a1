"""`python -m bench.deliveries PLAN`: POSTs deliveries to a gateway, signed or forged; the plan is JSON.

It writes plain sockets, so that a core of its own is enough to keep a gateway busy. With a rate it is an open loop: a
delivery is sent when it is due, and its latency counts from then. At the end it writes one line of JSON.
"""

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import uvloop

from bench.webhook_bodies import meta_body, request

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
_START_SECONDS = 0.2


class Plan(msgspec.Struct, frozen=True):
    """`count` deliveries of `updates` each, or as many as fit into `seconds`. Rate 0: as many as are answered.

    Without a secret they are forged. `first` is the number of the first update.
    """

    port: int
    connections: int
    count: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    updates: int = 1
    secret: str = ""
    first: int = 0


class Delivered(msgspec.Struct, frozen=True):
    """What came of a plan. Statuses as text, latencies in seconds."""

    seconds: float
    statuses: dict[str, int]
    latencies: list[float]

    @property
    def sent(self) -> int:
        return sum(self.statuses.values())


async def deliver(plan: Plan) -> Delivered:
    """Returns when every delivery is answered."""
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    started = time.perf_counter() + _START_SECONDS
    requests = _requests(plan, started)

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
        for due_at, message in requests:
            if (wait := due_at - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            begun = due_at if plan.rate else time.perf_counter()
            writer.write(message)
            statuses[await _status(reader)] += 1
            latencies.append(time.perf_counter() - begun)
        writer.close()

    await asyncio.gather(*(work() for _ in range(plan.connections)))
    return Delivered(time.perf_counter() - started, dict(statuses), latencies)


def _requests(plan: Plan, started: float) -> Iterator[tuple[float, bytes]]:
    """When each is due, and its bytes. The forgeries are all the same one: making them is not what is measured."""
    forged = None if plan.secret else request(meta_body(plan.updates, plan.first), "")
    number = 0
    while not plan.count or number < plan.count:
        due_at = started + number / plan.rate if plan.rate else started
        if plan.seconds and max(due_at, time.perf_counter()) - started > plan.seconds:
            return
        body = b"" if forged else meta_body(plan.updates, plan.first + number * plan.updates)
        yield due_at, forged or request(body, plan.secret)
        number += 1


async def _status(reader: asyncio.StreamReader) -> str:
    head = await reader.readuntil(b"\r\n\r\n")
    if (length := _LENGTH.search(head)) and int(length[1]):
        await reader.readexactly(int(length[1]))
    return head[9:12].decode()


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    delivered = uvloop.run(deliver(plan))
    # Buffered, whatever PYTHONUNBUFFERED says: a bare write to a pipe may write a part only.
    with open(1, "wb", closefd=False) as output:
        output.write(msgspec.json.encode(delivered) + b"\n")


if __name__ == "__main__":
    main()
