"""Senders that are too slow, and senders that are too large, all at once.

`python -m bench.overload_senders PORT SECONDS` runs them against a gateway and writes one line of JSON.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import cycle, islice

import msgspec
import uvloop

from publisher import Generator, Span

SLOW = 300
LARGE = 50
LARGE_EVENTS = 50_000
"""About 21.5 MB."""

_SLOW_BODY = b"Host: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
_SLOW_KINDS = {
    "head": b"POST /events HTTP/1.1\r\n",
    "body of POST /events": b"POST /events HTTP/1.1\r\n" + _SLOW_BODY,
    "body that no route reads": b"GET /nowhere HTTP/1.1\r\n" + _SLOW_BODY,
}
_PIECE_BYTES = 256 * 1024
_RESET = "reset"


class SlowEnd(msgspec.Struct, frozen=True):
    """How a slow connection ended: the first status that it was told (0: none), and after how long it was closed."""

    kind: str
    status: int
    seconds: float


class Ends(msgspec.Struct):
    """What came of all of them. `large` counts POSTs by status, or `reset`; `large_seconds` is until the answer."""

    slow: list[SlowEnd] = []
    large: dict[str, int] = {}
    accepted_seconds: list[float] = []
    refused_seconds: list[float] = []


def large_body() -> bytes:
    """An array of 50,000 events."""
    raws: list[bytes] = []
    generator = Generator(seed=3)
    while len(raws) < LARGE_EVENTS:
        raws += generator.batch(5_000, Span(time.time_ns())).raws
    return b"[" + b",".join(raws) + b"]"


async def be_slow(port: int, kind: str, give_up_seconds: float) -> SlowEnd:
    """A byte a second until the server closes the connection."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = asyncio.create_task(_status(reader))
    over = asyncio.create_task(_until_closed(told, reader))
    writer.write(_SLOW_KINDS[kind])
    while not over.done() and time.monotonic() - began < give_up_seconds:
        writer.write(b"x")
        await asyncio.wait({over}, timeout=1.0)
    seconds = time.monotonic() - began
    over.cancel()
    writer.transport.abort()
    status = told.result() if told.done() and not told.cancelled() else 0
    return SlowEnd(kind, status, seconds)


async def post_large(port: int, body: bytes) -> tuple[str, float]:
    """Sends all of it before it looks for the answer, as most clients do. The status, and the seconds until then."""
    began = time.monotonic()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body))
        view = memoryview(body)
        for start in range(0, len(body), _PIECE_BYTES):
            writer.write(view[start : start + _PIECE_BYTES])
            await writer.drain()
        status = await _status(reader)
        writer.close()
    except OSError:
        status = 0
    return str(status) if status else _RESET, time.monotonic() - began


async def run(port: int, seconds: float, body: bytes, *, slow_for: float) -> Ends:
    """300 slow connections, and 50 senders that send the body again and again for so long."""
    ends = Ends()
    large: Counter[str] = Counter()
    until = time.monotonic() + seconds

    async def keep_posting() -> None:
        while True:
            status, took = await post_large(port, body)
            large[status] += 1
            (ends.accepted_seconds if status == "202" else ends.refused_seconds).append(took)
            if time.monotonic() > until:
                return
            await asyncio.sleep(1.0)  # Retry-After

    slow = [be_slow(port, kind, slow_for) for kind in islice(cycle(_SLOW_KINDS), SLOW)]
    ends.slow, _ = await asyncio.gather(asyncio.gather(*slow), _repeat(keep_posting, LARGE))
    ends.large = dict(large)
    return ends


async def _repeat(work: Callable[[], Awaitable[None]], count: int) -> None:
    await asyncio.gather(*(work() for _ in range(count)))


async def _status(reader: asyncio.StreamReader) -> int:
    """0 when the connection ends without an answer."""
    try:
        line = await reader.readuntil(b"\r\n")
    except (asyncio.IncompleteReadError, OSError):
        return 0
    return int(line.split()[1])


async def _until_closed(told: "asyncio.Task[int]", reader: asyncio.StreamReader) -> None:
    await told
    try:
        while await reader.read(65536):
            pass
    except OSError:
        return


if __name__ == "__main__":
    ends = uvloop.run(run(int(sys.argv[1]), float(sys.argv[2]), large_body(), slow_for=40.0))
    print(msgspec.json.encode(ends).decode(), flush=True)
