"""Asked to stop, a service finishes what it was given, says so to everybody, and ends by its deadline."""

import asyncio
import time

import pytest

from tests.unit.chassis.serving import Service, serving


async def until_stopping(service: Service) -> None:
    """Asks it to stop and waits until it has begun to."""
    service.request.ask()
    await asyncio.sleep(0.05)  # the server's own tasks take a few turns of the loop


async def test_readiness_is_red_at_once_while_requests_are_still_served() -> None:
    async with serving(shutdown_delay_seconds=1.0) as service:
        kept = await service.connect()
        assert "connection" not in (await kept.ask())[1]
        await until_stopping(service)
        status, headers, body = await (await service.connect()).ask("/health/ready")
        assert (status, headers["connection"]) == (503, "close")
        assert b'"stopping"' in body
        assert b'"ready":false' in body
        status, headers, _ = await (await service.connect()).ask()
        assert (status, headers["connection"]) == (200, "close")
        status, headers, _ = await kept.ask()
        assert (status, headers["connection"]) == (200, "close")
        assert await kept.closed() == b""


async def test_after_the_delay_it_listens_no_more_and_idle_connections_are_closed() -> None:
    async with serving(shutdown_delay_seconds=0.2) as service:
        kept, other = await service.connect(), await service.connect()
        await kept.ask()
        began = time.monotonic()
        service.request.ask()
        assert await kept.closed() == await other.closed() == b""
        assert 0.2 <= time.monotonic() - began < 1.5
        assert await service.running
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", service.port)


async def test_a_request_at_work_is_finished() -> None:
    async with serving(shutdown_delay_seconds=0.1) as service:
        client = await service.connect()
        asking = asyncio.create_task(client.ask("/held"))
        await asyncio.sleep(0.05)
        service.request.ask()
        await asyncio.sleep(0.5)
        service.release.set()
        status, headers, _ = await asking
        assert (status, headers["connection"]) == (200, "close")
        assert await client.closed() == b""
        assert await service.running


async def test_a_request_that_is_still_coming_in_is_finished() -> None:
    async with serving(shutdown_delay_seconds=0.1) as service:
        client = await service.connect()
        await client.send(b"POST /read HTTP/1.1\r\nHost: x\r\nConte")
        service.request.ask()
        await asyncio.sleep(0.5)
        await client.send(b"nt-Length: 10\r\n\r\nhello")
        await asyncio.sleep(0.2)
        await client.send(b"world")
        assert (await client.answer())[0] == 200
        assert service.received == [10]
        assert await service.running


async def test_a_client_that_has_just_connected_may_still_ask() -> None:
    async with serving(shutdown_delay_seconds=0.4) as service:
        service.request.ask()
        await asyncio.sleep(0.3)
        client = await service.connect()
        await asyncio.sleep(0.2)  # the listener is closed by now
        assert (await client.ask())[0] == 200


async def test_at_the_deadline_what_is_left_is_answered_503(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(shutdown_grace_seconds=0.3) as service:
        at_work, coming_in = await service.connect(), await service.connect()
        await at_work.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        await coming_in.send(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        await asyncio.sleep(0.05)
        began = time.monotonic()
        service.request.ask()
        for client in (at_work, coming_in):
            status, headers, body = await client.answer()
            assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
            assert b"stopping" in body
        assert await service.running
        assert time.monotonic() - began < 3
    assert not [record for record in caplog.records if record.exc_info]


async def test_asked_twice_it_does_not_wait() -> None:
    async with serving(shutdown_delay_seconds=30.0, shutdown_grace_seconds=30.0) as service:
        client = await service.connect()
        asking = asyncio.create_task(client.ask("/held"))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await until_stopping(service)
        service.request.ask()
        assert (await asking)[0] == 503
        assert await service.running
        assert time.monotonic() - began < 3


async def test_asked_twice_it_does_not_wait_for_its_loops_either() -> None:
    given_back = False

    async def stubborn(stop: asyncio.Event) -> None:
        nonlocal given_back
        try:
            await asyncio.Event().wait()
        finally:
            given_back = True

    async with serving({"stubborn": stubborn}, shutdown_grace_seconds=30.0) as service:
        await service.connect()
        began = time.monotonic()
        await until_stopping(service)
        service.request.ask()
        assert await service.running
        assert time.monotonic() - began < 3
    assert given_back


async def test_clients_that_go_on_asking_see_nothing_but_answers_and_closed_connections() -> None:
    async with serving(shutdown_delay_seconds=0.5) as service:

        async def keep_asking() -> int:
            answered = 0
            while True:
                try:
                    client = await service.connect_once()
                except ConnectionRefusedError:
                    return answered
                last = False
                while not last:
                    status, headers, _ = await client.ask("/read", "POST")
                    assert status == 200
                    answered += 1
                    last = headers.get("connection") == "close"
                assert await client.closed() == b""

        await service.connect()
        asking = [asyncio.create_task(keep_asking()) for _ in range(20)]
        await asyncio.sleep(0.2)
        service.request.ask()
        answered = await asyncio.gather(*asking)
        assert min(answered) > 0
        assert await service.running
