"""`python -m bench.action_load PLAN`: POSTs social actions of many users, each with a token; the plan is JSON.

It writes plain sockets, so that a core of its own is enough to keep a gateway busy. At the end it writes one line of
JSON, as `bench.deliveries` does.
"""

import asyncio
import itertools
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator

import msgspec
import uvloop

from bench.deliveries import Delivered
from pipeline.chassis.tokens import TokenSettings, mint

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
_TOKEN_SECONDS = 3600


class Plan(msgspec.Struct, frozen=True):
    """As many requests of `actions` each as are answered in `seconds`, or `count` of them. The tokens of the users
    have this scope; `token` is sent in place of theirs where there is one."""

    port: int
    connections: int
    secret: str = ""
    scope: str = ""
    users: int = 1
    actions: int = 1
    seconds: float = 0.0
    count: int = 0
    token: str = ""


async def send(plan: Plan) -> Delivered:
    """Returns when every request is answered."""
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    heads = [_head(plan, user) for user in range(plan.users)]
    started = time.perf_counter()
    requests = _requests(plan, heads, started)

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
        for message in requests:
            begun = time.perf_counter()
            writer.write(message)
            statuses[await _status(reader)] += 1
            latencies.append(time.perf_counter() - begun)
        writer.close()

    await asyncio.gather(*(work() for _ in range(plan.connections)))
    return Delivered(time.perf_counter() - started, dict(statuses), latencies)


def _head(plan: Plan, user: int) -> bytes:
    settings = TokenSettings(jwt_secret=(plan.secret,))
    token = plan.token or mint(settings, f"u-{user}", plan.scope.split(), _TOKEN_SECONDS)
    return (
        f"POST /api/events HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: "
    ).encode()


def _requests(plan: Plan, heads: list[bytes], started: float) -> Iterator[bytes]:
    for number in itertools.count():
        if plan.count and number >= plan.count:
            return
        if plan.seconds and time.perf_counter() - started > plan.seconds:
            return
        user = number % plan.users
        action = b'{"id":"a-%d-%%d","userId":"u-%d","postId":"p-%d","type":"like"}' % (
            number,
            user,
            number % 997,
        )
        actions = [action % place for place in range(plan.actions)]
        body = actions[0] if plan.actions == 1 else b"[" + b",".join(actions) + b"]"
        yield b"%b%d\r\n\r\n%b" % (heads[user], len(body), body)


async def _status(reader: asyncio.StreamReader) -> str:
    head = await reader.readuntil(b"\r\n\r\n")
    if (length := _LENGTH.search(head)) and int(length[1]):
        await reader.readexactly(int(length[1]))
    return head[9:12].decode()


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    delivered = uvloop.run(send(plan))
    with open(1, "wb", closefd=False) as output:
        output.write(msgspec.json.encode(delivered) + b"\n")


if __name__ == "__main__":
    main()
