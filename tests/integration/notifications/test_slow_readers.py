"""A client that does not take what it is sent is let go, costs no memory, and keeps nobody waiting (F16)."""

import asyncio
import socket
import time

import psutil
import pytest
from websockets.asyncio.client import connect

from pipeline.stream import Notice, NotificationPublisher, encode_body, user_subject
from tests.integration.notifications.clients import Client, address, event_stream, open_client, token
from tests.processes import Process, Services

MB = 1024**2


async def open_stuck(gateway: Process, user: str) -> Client:
    """Its app does not read: what it is sent fills the buffers of the connection, which are small."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", gateway.port))
    client = Client(await connect(address(gateway), sock=raw, compression=None, max_queue=1))
    await client.say(type="auth", token=token(user))
    await client.told("ready")
    client.stop_reading()
    return client


async def test_slow_readers_are_closed_and_the_others_do_not_notice(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateway = services.gateway(NOTIFICATION_QUEUE_MAX="200")
    quick = await open_client(gateway, "u-1")
    stuck = [await open_stuck(gateway, f"slow-{number}") for number in range(10)]
    memory = psutil.Process(gateway.pid).memory_info().rss
    seconds: list[float] = []

    for number in range(120):
        begun = time.perf_counter()
        users = ["u-1", *(f"slow-{each}" for each in range(10))]
        await publisher.publish_all(
            [Notice(user_subject(user), comment(10 * number + k)) for k in range(10) for user in users],
            f"m-{number}",
        )
        await quick.until(lambda client, told=10 * number + 10: len(client.notifications) == told)
        seconds.append(time.perf_counter() - begun)
        assert psutil.Process(gateway.pid).memory_info().rss < memory + 64 * MB

    for client in stuck:
        client.go_on_reading()
        assert (await client.closed())[0] in (4008, 1006)
    # Each comes back for what it did not take.
    again = await open_client(gateway, "slow-3", since=stuck[3].since)
    await again.until(lambda client: client.notifications and client.notifications[-1]["n"] == 1199, 30)
    told = [message["n"] for message in (*stuck[3].notifications, *again.notifications)]
    assert told == list(range(1200))
    assert sorted(seconds)[len(seconds) * 99 // 100] < 1.0
    await again.end()
    await quick.end()


async def test_who_takes_nothing_for_long_is_closed_however_little_it_is(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateway = services.gateway(NOTIFICATION_SLOW_SECONDS="1", NOTIFICATION_QUEUE_MAX="100000")
    stuck = await open_stuck(gateway, "u-1")
    await publisher.publish_all([Notice(user_subject("u-1"), comment(n, 10_000)) for n in range(500)], "m")

    async with asyncio.timeout(10):
        while 'ending="slow_reader"} 1.0' not in await metrics(gateway):
            await asyncio.sleep(0.1)
    stuck.go_on_reading()
    assert (await stuck.closed())[0] in (4008, 1006)


@pytest.mark.exhaustive
async def test_a_stream_of_events_that_is_not_read_ends_without_holding_memory(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateway = services.gateway(NOTIFICATION_QUEUE_MAX="100", ANSWER_TIMEOUT_SECONDS="1")
    async with event_stream(gateway, "u-1") as events:
        await anext(events)
        for part in range(6):
            notices = [Notice(user_subject("u-1"), comment(number, 10_000)) for number in range(500)]
            await publisher.publish_all(notices, f"m-{part}")
        async with asyncio.timeout(20):
            # By its full queue, or by the deadline of an answer that is not taken: whichever is first.
            while "notification_clients 0.0" not in await metrics(gateway):
                await asyncio.sleep(0.1)


def comment(number: int, size: int = 2000) -> bytes:
    return encode_body({"kind": "COMMENT", "text": "x" * size, "n": number})


async def metrics(gateway: Process) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    return text
