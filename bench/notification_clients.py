"""`python -m bench.notification_clients PLAN`: people who wait for notifications, and likes that they are told of.

The plan is JSON. At the end it writes one line of JSON, `Told`.
"""

import asyncio
import random
import resource
import sys
import time
from collections import Counter
from contextlib import suppress

import msgspec
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pipeline.chassis.tokens import TokenSettings, mint

_TOKEN_SECONDS = 7200
_OPENING_AT_ONCE = 40
_LAST_SECONDS = 10.0
_POSTERS = 32
_PAUSE_SECONDS = 2.0
"""Between the last connection and the first like: what the connections cost is seen meanwhile."""


class Plan(msgspec.Struct, frozen=True):
    """`busy` people have a post each and follow it, `idle` ones only listen. `rate` likes a second, for `seconds`."""

    port: int
    secret: str
    idle: int
    busy: int
    rate: float
    seconds: float


class Told(msgspec.Struct, frozen=True):
    """`latencies` are from the moment at which a like was due to be sent until its notification was there. `missing`
    likes were never told of, `repeated` ones twice. Times of the beginning and the end are Unix times."""

    began: float
    ended: float
    statuses: dict[str, int]
    latencies: list[float]
    missing: int
    repeated: int
    changes_told: int
    closed: int


class _Notification(msgspec.Struct, frozen=True):
    type: str
    kind: str = ""
    by: str = msgspec.field(default="", name="from")


_decode = msgspec.json.Decoder(_Notification).decode


class Run:
    """One run of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._due: dict[str, float] = {}
        self._latencies: dict[str, float] = {}
        self._repeated = self._changes = self._closed = 0
        self._statuses: Counter[str] = Counter()
        self._opening = asyncio.Semaphore(_OPENING_AT_ONCE)
        self._tokens = TokenSettings(jwt_secret=(plan.secret,))
        self._expected = int(plan.rate * plan.seconds)
        self._all_told = asyncio.Event()

    async def run(self) -> Told:
        """Returns when every like has been told of, or some seconds after the last."""
        plan = self._plan
        await self._post(
            [{"type": "post", "userId": f"owner-{k}", "postId": f"p-{k}"} for k in range(plan.busy)]
        )
        names = [*(f"owner-{k}" for k in range(plan.busy)), *(f"idle-{k}" for k in range(plan.idle))]
        sockets = await asyncio.gather(*(self._open(name) for name in names))
        listening = [asyncio.create_task(self._listen(socket)) for socket in sockets]
        await asyncio.sleep(_PAUSE_SECONDS)
        began = time.time()
        await self._like()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_told.wait(), _LAST_SECONDS)
        sent = len(self._due)
        ended = time.time()
        self._closed = sum(task.done() for task in listening)
        for task in listening:
            task.cancel()
        await asyncio.gather(*(socket.close() for socket in sockets))
        latencies = list(self._latencies.values())
        return Told(
            began,
            ended,
            dict(self._statuses),
            latencies,
            sent - len(latencies),
            self._repeated,
            self._changes,
            self._closed,
        )

    async def _open(self, user: str) -> ClientConnection:
        async with self._opening:
            socket = await connect(f"ws://127.0.0.1:{self._plan.port}/ws", compression=None, open_timeout=60)
            topics = [f"post:p-{user.removeprefix('owner-')}"] if user.startswith("owner-") else []
            hello = {"type": "auth", "token": mint(self._tokens, user, (), _TOKEN_SECONDS), "topics": topics}
            await socket.send(msgspec.json.encode(hello).decode())
            await socket.recv()
        return socket

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            while True:
                message = _decode(await socket.recv())
                now = time.perf_counter()
                if message.kind == "POST":
                    self._changes += 1
                elif message.kind == "LIKE":
                    self._repeated += message.by in self._latencies
                    self._latencies[message.by] = now - self._due[message.by]
                    if len(self._latencies) == self._expected:
                        self._all_told.set()
        except ConnectionClosed:
            return

    async def _like(self) -> None:
        """At the given rate, whatever the answers: who is late does not make the others later."""
        plan, started = self._plan, time.perf_counter()
        likes: asyncio.Queue[dict[str, str] | None] = asyncio.Queue()
        posters = [asyncio.create_task(self._poster(likes)) for _ in range(_POSTERS)]
        for number in range(self._expected):
            due = started + number / plan.rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            fan, post = f"fan-{number}", f"p-{random.randrange(plan.busy)}"
            self._due[fan] = due
            likes.put_nowait({"type": "like", "id": f"like-{number}", "userId": fan, "postId": post})
        for _ in posters:
            likes.put_nowait(None)
        await asyncio.gather(*posters)

    async def _poster(self, likes: "asyncio.Queue[dict[str, str] | None]") -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._plan.port)
        while (like := await likes.get()) is not None:
            self._statuses[await self._ask(reader, writer, like)] += 1
        writer.close()

    async def _post(self, actions: list[dict[str, str]]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._plan.port)
        status = await self._ask(reader, writer, actions)
        writer.close()
        if status != "202":
            raise RuntimeError(f"the posts were answered with {status}")

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: object) -> str:
        token = (
            mint(self._tokens, "back-end", ("events:write:any",), _TOKEN_SECONDS) if not self._head else ""
        )
        self._head = (
            self._head
            or (
                f"POST /api/events HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
                f"authorization: Bearer {token}\r\ncontent-length: "
            ).encode()
        )
        encoded = msgspec.json.encode(body)
        writer.write(b"%b%d\r\n\r\n%b" % (self._head, len(encoded), encoded))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        await reader.readexactly(length)
        return head[9:12].decode()

    _head = b""


def main() -> None:
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    told = uvloop.run(Run(plan).run())
    with open(1, "wb", closefd=False) as output:
        output.write(msgspec.json.encode(told) + b"\n")


if __name__ == "__main__":
    main()
