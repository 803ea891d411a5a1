"""Two thousand people at one gateway, which is killed: all of them come back at once."""

import asyncio
import time

import psutil
import pytest

from pipeline.stream import Notice, NotificationPublisher, encode_body, user_subject
from tests.integration.notifications.clients import Client, open_client
from tests.processes import Process, Services

pytestmark = pytest.mark.exhaustive

PEOPLE = 2000
MB = 1024**2


async def open_all(gateway: Process, since: dict[int, str]) -> list[Client]:
    at_once = asyncio.Semaphore(100)

    async def open_one(number: int) -> Client:
        async with at_once:
            return await open_client(
                gateway, f"u-{number}", since=since.get(number), ping_interval=None, open_timeout=60
            )

    return await asyncio.gather(*(open_one(number) for number in range(PEOPLE)))


def to_everybody(number: int) -> list[Notice]:
    body = encode_body({"kind": "LIKE", "n": number})
    return [Notice(user_subject(f"u-{person}"), body) for person in range(PEOPLE)]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_two_thousand_clients_come_back_after_a_kill(
    services: Services, publisher: NotificationPublisher
) -> None:
    gateway = services.gateway()
    before = psutil.Process(gateway.pid).memory_info().rss
    clients = await open_all(gateway, {})
    assert psutil.Process(gateway.pid).memory_info().rss < before + 120 * MB
    await publisher.publish_all(to_everybody(0), "m-0")
    for client in clients:
        await client.until(lambda client: client.notifications, 30)

    gateway.kill()
    await publisher.publish_all(to_everybody(1), "m-1")
    for client in clients:
        await client.closed(30)
    await asyncio.to_thread(gateway.start)
    begun = time.monotonic()
    again = await open_all(gateway, {number: client.since for number, client in enumerate(clients)})
    for client in again:
        await client.until(lambda client: client.notifications, 30)
    print(f"all are back after {time.monotonic() - begun:.1f} s")
    await publisher.publish_all(to_everybody(2), "m-2")
    for client in again:
        await client.until(lambda client: len(client.notifications) == 2, 30)

    for earlier, later in zip(clients, again, strict=True):
        assert [message["n"] for message in (*earlier.notifications, *later.notifications)] == [0, 1, 2]
    assert psutil.Process(gateway.pid).memory_info().rss < before + 160 * MB
    await asyncio.gather(*(client.end() for client in again))
