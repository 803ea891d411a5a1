"""Services that are restarted in turn at load: nobody is refused, cut off or made to wait for a time-out."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import nats
import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.events.batch import read_batch
from publisher import Generator, Span
from tests.processes import Process, Services, connections, eventually
from tests.streams import delete_streams

pytestmark = pytest.mark.exhaustive

CLIENTS = 8


@pytest.fixture
async def jetstream_client(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, jetstream_client: Client, database_url: str
) -> Iterator[Services]:
    with Services(tmp_path, connections(nats_server, database_url=database_url)) as services:
        yield services


class Sender:
    """Sends events one by one on connections that it keeps, to one gateway or the other; it never sends one twice."""

    def __init__(self, ports: list[int], events: list[bytes], seed: int) -> None:
        self._ports = itertools.cycle(ports)
        self._events = events
        self._random = random.Random(seed)
        self.answers: Counter[str] = Counter()
        self.accepted: list[bytes] = []

    async def run(self, until: asyncio.Event) -> None:
        events = iter(self._events)
        while not until.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", next(self._ports))
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
                continue
            while (
                not until.is_set() and not reader.at_eof() and await self._send(next(events), reader, writer)
            ):
                await asyncio.sleep(self._random.uniform(0, 0.03))
            writer.close()

    async def _send(self, event: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        writer.write(b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(event), event))
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.answers[type(error).__name__] += 1
            return False
        status = head.split()[1].decode()
        self.answers[status] += 1
        if status == "202":
            self.accepted.append(event)
        return b"connection: close" not in head


async def restart(process: Process) -> None:
    """As a rolling update does: asked to stop, waited for, started again."""
    process.terminate()
    assert await asyncio.to_thread(process.wait) == 0, process.tail()
    await asyncio.to_thread(process.start)


async def in_stream(client: Client) -> list[bytes]:
    jetstream = client.jetstream()
    state = (await jetstream.stream_info("EVENTS")).state
    found: list[bytes] = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        message = await jetstream.get_msg("EVENTS", seq=sequence)
        source = (message.subject or "").removeprefix("events.")
        found += map(bytes, read_batch(source, message.data or b"", message.headers or {}).events)
    return found


@pytest.mark.slow
async def test_gateways_restarted_in_turn_answer_every_request_with_202(
    services: Services, jetstream_client: Client
) -> None:
    gateways = [services.gateway(ready=False) for _ in range(2)]
    for gateway in gateways:
        gateway.wait_ready()
    events = Generator(7).batch(CLIENTS * 2_000, Span(time.time_ns())).raws
    ports = [gateway.port for gateway in gateways]
    senders = [
        Sender(ports[number % 2 :] + ports[: number % 2], events[number::CLIENTS], number)
        for number in range(CLIENTS)
    ]
    over = asyncio.Event()
    sending = asyncio.gather(*(sender.run(over) for sender in senders))
    for gateway in gateways:
        await asyncio.sleep(0.3)  # some load before
        await restart(gateway)
    await asyncio.sleep(0.3)
    over.set()
    await sending

    answers = sum((sender.answers for sender in senders), Counter[str]())
    assert set(answers) == {"202"}, answers
    accepted = [event for sender in senders for event in sender.accepted]
    assert sorted(await in_stream(jetstream_client)) == sorted(accepted)


async def test_a_gateway_that_is_asked_twice_ends_at_once(services: Services) -> None:
    gateway = services.gateway(SHUTDOWN_DELAY_SECONDS="60", SHUTDOWN_GRACE_SECONDS="60")
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n["
    )
    gateway.terminate()

    async def is_stopping() -> None:
        assert "service_stopping" in gateway.log.read_text()

    await eventually(is_stopping)
    gateway.terminate()
    assert await asyncio.to_thread(gateway.wait, 5) == 0
    writer.close()


async def test_a_collector_that_must_stop_before_postgres_takes_its_batch_gives_all_back_at_once(
    services: Services, jetstream_client: Client, database_url: str
) -> None:
    patient: dict[str, Any] = {"ACK_WAIT_SECONDS": "60", "MERGE_MAX_EVENTS": "1"}
    gateway = services.gateway()
    stopping = services.collector("facebook", **patient, SHUTDOWN_GRACE_SECONDS="0.5")
    blocker = await asyncpg.connect(database_url)
    look = await asyncpg.connect(database_url)
    await blocker.execute("BEGIN; LOCK TABLE event_ledger IN ACCESS EXCLUSIVE MODE")
    events = [
        raw for raw in Generator(9).batch(400, Span(time.time_ns())).raws if b'"source":"facebook"' in raw
    ]
    sender = Sender([gateway.port], events, 1)
    over = asyncio.Event()
    sending = asyncio.create_task(sender.run(over))

    async def holds_deliveries() -> None:
        info = await jetstream_client.jetstream().consumer_info("EVENTS", "facebook-collector")
        assert (info.num_ack_pending or 0) > 5

    await eventually(holds_deliveries)
    over.set()
    await sending
    stopping.terminate()
    assert await asyncio.to_thread(stopping.wait, 20) == 0, stopping.tail()
    began = time.monotonic()
    await blocker.close()
    services.collector("facebook", **patient)

    async def all_stored() -> None:
        assert await look.fetchval("SELECT count(*) FROM events") == len(sender.accepted)

    await eventually(all_stored, within_seconds=25)
    await look.close()
    assert time.monotonic() - began < 30  # not after ACK_WAIT_SECONDS
