"""More connections than there may be: probes are answered, everybody else is told so, and nobody is cut off."""

import asyncio
import resource
from collections.abc import Iterator

import pytest

from pipeline.chassis.connections import SPARE_CONNECTIONS, Connections
from pipeline.chassis.server_settings import ServerSettings
from tests.unit.chassis.serving import Client, Service, serving


async def held(service: Service, count: int) -> list[Client]:
    """So many clients that wait for an answer."""
    clients = [await service.connect() for _ in range(count)]
    for client in clients:
        await client.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.05)
    return clients


async def test_above_the_limit_probes_are_answered_and_others_are_told_to_come_back() -> None:
    async with serving(connections_max=10) as service:
        clients = await held(service, 10)
        for path in ("/health/live", "/metrics"):
            status, headers, _ = await (await service.connect()).ask(path)
            assert (status, headers["connection"]) == (200, "close")
        status, headers, body = await (await service.connect()).ask("/events", "POST")
        assert (status, headers["connection"], headers["retry-after"]) == (503, "close", "1")
        assert headers["content-type"] == "application/problem+json"
        assert b"CONNECTIONS_MAX" in body
        assert service.refused("no_room") == 1
        service.release.set()
        assert [(await client.answer())[0] for client in clients] == [200] * 10


async def test_the_connection_that_was_idle_for_longest_makes_room() -> None:
    async with serving(connections_max=10) as service:
        idle = [await service.connect() for _ in range(2)]
        for client in idle:
            await client.ask()
        busy = await held(service, 8)
        await asyncio.sleep(1.1)
        await idle[0].ask()
        newcomer = await service.connect()
        status, headers, _ = await newcomer.ask()
        assert (status, "connection" in headers) == (200, False)
        assert await idle[1].closed() == b""
        assert (await idle[0].ask())[0] == 200
        service.release.set()
        assert [(await client.answer())[0] for client in busy] == [200] * 8


async def test_above_the_spare_ones_a_connection_is_closed_at_once() -> None:
    async with serving(connections_max=10) as service:
        clients = await held(service, 10)
        spare = [await service.connect() for _ in range(SPARE_CONNECTIONS)]
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await (await service.connect()).ask("/health/live")
        assert (await spare[0].ask("/health/live"))[0] == 200
        service.release.set()
        assert [(await client.answer())[0] for client in clients] == [200] * 10


async def test_a_spare_connection_is_not_held_by_silence() -> None:
    async with serving(connections_max=1) as service:
        clients = await held(service, 1)
        assert await (await service.connect()).closed() == b""
        service.release.set()
        assert (await clients[0].answer())[0] == 200


async def test_when_the_rush_is_over_everything_is_as_before() -> None:
    async with serving(connections_max=5) as service:
        clients = await held(service, 5)
        assert (await (await service.connect()).ask())[0] == 503
        service.release.set()
        for client in clients:
            await client.answer()
            client.writer.close()
        newcomer = await service.connect()
        async with asyncio.timeout(5):
            while (await newcomer.ask())[0] == 503:
                newcomer = await service.connect()
        assert "connection" not in (await newcomer.ask())[1]


@pytest.fixture
def few_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_never_more_than_the_open_files_allow(few_files: None) -> None:
    assert Connections(ServerSettings(port=1, connections_max=10_000)).limit == 128


def test_websockets_have_what_is_left_of_the_open_files(few_files: None) -> None:
    connections = Connections(ServerSettings(port=1, connections_max=100, websockets_max=10_000))
    assert connections.websocket_limit == 256 - 100 - 128
    assert connections.websocket_refusal() == ""
    connections.websockets = connections.websocket_limit
    assert "WEBSOCKETS_MAX" in connections.websocket_refusal()
    connections.websockets = 0
    connections.draining = True
    assert "stopping" in connections.websocket_refusal()
