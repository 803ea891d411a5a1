"""Who is answered before the body was read sees the answer, however much is still on its way."""

import asyncio
import http.client
import time

import httpx
import pytest

from tests.unit.chassis.serving import Client, serving

MB = 1024 * 1024
LARGE = 20 * MB


async def flood(client: Client, size: int) -> None:
    try:
        for _ in range(size // MB):
            await client.send(bytes(MB))
    except OSError:
        return


def head(size: int, path: str = "/refused", more: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{more}\r\n".encode()


async def test_a_sender_that_sends_everything_first_gets_the_answer_and_no_reset() -> None:
    async with serving() as service:
        client = await service.connect()
        await client.send(head(LARGE))
        await flood(client, LARGE)
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (503, "close")
        assert await client.closed() == b""


async def test_a_sender_in_chunks_gets_it_too() -> None:
    async with serving() as service:
        client = await service.connect()
        await client.send(b"POST /refused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            await client.send(b"100000\r\n" + bytes(MB) + b"\r\n")
        assert (await client.answer())[0] == 503


async def test_httpx_gets_it() -> None:
    async with serving() as service, httpx.AsyncClient(timeout=10) as client:
        await service.connect()
        answer = await client.post(f"http://127.0.0.1:{service.port}/refused", content=bytes(LARGE))
        assert answer.status_code == 503
        again = await client.post(f"http://127.0.0.1:{service.port}/read", content=bytes(LARGE))
        assert (again.status_code, service.received) == (200, [LARGE])


async def test_the_standard_library_gets_it() -> None:
    def post(port: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/refused", bytes(LARGE))
        return connection.getresponse().status

    async with serving() as service:
        await service.connect()
        assert await asyncio.to_thread(post, service.port) == 503


@pytest.mark.parametrize("expect", ["", "100-continue"])
async def test_curl_gets_it(expect: str) -> None:
    async with serving() as service:
        await service.connect()
        curl = await asyncio.create_subprocess_exec(
            *(
                "curl",
                "-sS",
                "-H",
                f"Expect: {expect}",
                "--data-binary",
                "@-",
                "-w",
                "%{http_code} %{size_upload}",
            ),
            f"http://127.0.0.1:{service.port}/refused",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await curl.communicate(bytes(LARGE))
        status, sent = output.removeprefix(b"answered").split()
        assert (curl.returncode, status) == (0, b"503")
        assert int(sent) == 0 or not expect


async def test_who_asks_first_is_refused_without_being_told_to_go_on() -> None:
    async with serving() as service:
        client = await service.connect()
        await client.send(head(LARGE, more="Expect: 100-continue\r\n"))
        status, headers, _ = await client.answer()
        assert (status, headers["connection"]) == (503, "close")


async def test_the_small_rest_of_a_body_costs_no_connection() -> None:
    async with serving() as service:
        client = await service.connect()
        for _ in range(3):
            await client.send(head(1000))
            status, headers, _ = await client.answer()
            assert status == 503
            assert "connection" not in headers
            await client.send(bytes(1000))
        await client.send(head(1000, "/read") + bytes(1000))
        assert (await client.answer())[0] == 200


async def test_what_is_thrown_away_is_bounded() -> None:
    async with serving(discard_bytes_max=4 * MB) as service:
        client = await service.connect()
        await client.send(head(200 * MB))
        await flood(client, 200 * MB)
        assert client.writer.transport.is_closing() or client.reader.at_eof()
        await (await service.connect()).ask()
        assert service.refused("too_much_to_discard") == 1


async def test_who_was_answered_and_says_nothing_more_is_not_waited_for() -> None:
    async with serving(body_timeout_seconds=60) as service:
        client, other = await service.connect(), await service.connect()
        await other.ask()
        await client.send(head(LARGE))
        assert (await client.answer())[0] == 503
        assert await client.closed() == b""  # we are told at once …
        async with asyncio.timeout(8):
            while service.open_connections() > 1:  # … and the connection is gone a little later
                await asyncio.sleep(0.1)


async def test_others_are_answered_meanwhile() -> None:
    async with serving() as service:
        floods: list[asyncio.Task[None]] = []
        for _ in range(20):
            client = await service.connect()
            await client.send(head(LARGE))
            floods.append(asyncio.create_task(flood(client, LARGE)))
        asking = await service.connect()
        slowest = 0.0
        while not all(flooding.done() for flooding in floods):
            began = time.monotonic()
            assert (await asking.ask())[0] == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1
