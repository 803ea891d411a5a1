"""Nobody keeps a connection by being slow: neither with the head nor with the body, whether anybody reads it or not."""

import asyncio
import time
from contextlib import suppress
from typing import Any, cast

import pytest

from tests.unit.chassis.serving import Client, Service, serving

HEAD = b"POST /read HTTP/1.1\r\nHost: x\r\n"


async def trickle(client: Client, text: bytes) -> None:
    """A byte every 20 ms, until the server has enough."""
    try:
        for at in range(len(text)):
            await client.send(text[at : at + 1])
            await asyncio.sleep(0.02)
    except OSError:
        return


async def told(client: Client, text: bytes) -> tuple[int, dict[str, str], bytes]:
    """The answer to a sender that sends no faster than that."""
    trickling = asyncio.create_task(trickle(client, text))
    try:
        return await client.answer()
    finally:
        trickling.cancel()


async def test_a_head_that_does_not_end_in_time_is_408_and_names_the_setting() -> None:
    async with serving(header_timeout_seconds=0.2) as service:
        client = await service.connect()
        status, headers, body = await told(client, HEAD + b"X: " + b"x" * 1000)
        assert (status, headers["connection"]) == (408, "close")
        assert headers["content-type"] == "application/problem+json"
        assert headers["x-correlation-id"]
        assert b"HEADER_TIMEOUT_SECONDS" in body
        assert service.refused("slow_head") == 0  # nothing has been served yet that could have shown it
        await (await service.connect()).ask()
        assert service.refused("slow_head") == 1


async def test_line_ends_before_a_request_do_not_keep_a_connection() -> None:
    async with serving(header_timeout_seconds=0.2) as service:
        status, _, _ = await told(await service.connect(), b"\r\n" * 500)
    assert status == 408


async def test_line_ends_after_an_answer_do_not_keep_a_connection() -> None:
    async with serving(keep_alive_seconds=0.2) as service:
        client = await service.connect()
        await client.ask()
        trickling = asyncio.create_task(trickle(client, b"\r\n" * 500))
        with suppress(ConnectionResetError):  # what is still on its way has no answer to overtake
            assert await client.closed() == b""
        trickling.cancel()


async def test_a_connection_on_which_nothing_is_said_is_closed_without_a_word() -> None:
    async with serving(header_timeout_seconds=0.2) as service:
        assert await (await service.connect()).closed() == b""


async def test_a_connection_that_is_idle_for_too_long_is_closed() -> None:
    async with serving(keep_alive_seconds=0.2) as service:
        client = await service.connect()
        await client.ask()
        began = time.monotonic()
        assert await client.closed() == b""
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("announced", [b"Content-Length: 5000", b"Transfer-Encoding: chunked"])
async def test_a_body_that_does_not_end_in_time_is_408_and_the_service_is_told_that_its_sender_has_gone(
    announced: bytes,
) -> None:
    async with serving(
        header_timeout_seconds=0.1, body_timeout_seconds=0.3, body_bytes_per_second_min=1
    ) as service:
        client = await service.connect()
        await client.send(HEAD + announced + b"\r\n\r\n")
        status, headers, body = await told(client, b"5\r\nabcde\r\n" * 100)
        assert (status, headers["connection"]) == (408, "close")
        assert b"BODY_TIMEOUT_SECONDS" in body
        assert (service.gone, service.received) == (1, [])


async def test_a_body_that_comes_too_slowly_is_given_up_long_before_that() -> None:
    async with serving(header_timeout_seconds=0.2, body_bytes_per_second_min=1000) as service:
        client = await service.connect()
        await client.send(HEAD + b"Content-Length: 5000\r\n\r\n")
        assert (await told(client, b"x" * 5000))[0] == 408


async def test_a_body_that_comes_fast_enough_may_take_longer_than_a_head() -> None:
    async with serving(header_timeout_seconds=0.1, body_bytes_per_second_min=10) as service:
        client = await service.connect()
        await client.send(HEAD + b"Content-Length: 25\r\n\r\n")
        assert (await told(client, b"x" * 25))[0] == 200
        assert service.received == [25]


async def test_a_route_that_reads_no_body_does_not_keep_the_connection_of_one_who_sends_slowly() -> None:
    async with serving(header_timeout_seconds=0.1, body_timeout_seconds=0.3) as service:
        client = await service.connect()
        await client.send(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n")
        assert (await client.answer())[0] == 200
        trickling = asyncio.create_task(trickle(client, b"x" * 400))
        assert await client.closed() == b""
        trickling.cancel()


async def test_an_answer_that_nobody_takes_is_given_up() -> None:
    async with serving(answer_timeout_seconds=0.2) as service:
        client = await service.connect()
        cast("asyncio.Transport", client.writer.transport).pause_reading()
        await client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until_refused(service, "answer_not_taken")


async def test_an_answer_that_is_taken_slowly_is_not_given_up() -> None:
    async with serving(answer_timeout_seconds=0.3) as service:
        client = await service.connect()
        await client.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        taken = 0
        while taken < 16 * 1024 * 1024:
            taken += len(await client.reader.read(1024 * 1024))
            await asyncio.sleep(0.05)
        assert service.refused("answer_not_taken") == 0


async def test_work_that_takes_long_is_not_the_clients_fault() -> None:
    settings: dict[str, Any] = {
        f"{name}_seconds": 0.1 for name in ("header_timeout", "body_timeout", "keep_alive", "answer_timeout")
    }
    async with serving(**settings) as service:
        asking = asyncio.create_task((await service.connect()).ask("/held"))
        await asyncio.sleep(0.5)
        service.release.set()
        assert (await asking)[0] == 200


@pytest.mark.parametrize("pause", [0.0, 0.05])
async def test_a_head_above_the_limit_is_431(pause: float) -> None:
    async with serving(header_size_limit=4096) as service:
        client = await service.connect()
        for part in (HEAD + b"X: " + b"x" * 3000, b"x" * 3000, b"\r\n\r\n"):
            await client.send(part)
            await asyncio.sleep(pause)
        status, headers, body = await client.answer()
        assert (status, headers["connection"]) == (431, "close")
        assert b"HEADER_SIZE_LIMIT" in body


async def test_a_head_below_the_limit_may_come_together_with_a_body_above_it() -> None:
    async with serving(header_size_limit=4096) as service:
        client = await service.connect()
        await client.send(HEAD + b"Content-Length: 9000\r\nX: " + b"x" * 3000 + b"\r\n\r\n" + b"x" * 9000)
        assert (await client.answer())[0] == 200


MALFORMED = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a length that is none": b"POST / HTTP/1.1\r\nContent-Length: five\r\n\r\n",
    "a length beyond numbers": b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "no path": b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
    "a chunk without a size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_not_http_is_400_and_no_line_of_the_log_for_each(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as service:
        client = await service.connect()
        await client.send(sent)
        status, headers, body = await client.answer()
        assert (status, headers["connection"]) == (400, "close")
        assert b"malformed-request" in body
        assert await client.closed() == b""
    assert not [record for record in caplog.records if record.exc_info]


async def test_garbage_after_a_request_does_not_cost_it_its_answer() -> None:
    async with serving() as service:
        client = await service.connect()
        await client.send(b"GET /held HTTP/1.1\r\n\r\n\x00\x00")
        await asyncio.sleep(0.05)
        service.release.set()
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await client.closed() == b""


async def until_refused(service: Service, rule: str) -> None:
    async with asyncio.timeout(5):
        while not service.refused(rule):
            await asyncio.sleep(0.02)
