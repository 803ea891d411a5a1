import asyncio
import socket

import pytest

from publisher.connection import NoAnswer
from publisher.pool import Connections, Timeouts
from tests.unit.publisher.fake_gateway import FakeGateway, answering, hanging, hanging_up, send

QUICK = Timeouts(connect=0.5, answer=0.2)


async def test_posts_one_after_another_share_a_connection():
    async with FakeGateway(*[answering(202, b"ok")] * 20) as gateway:
        pool = Connections(gateway.url, {})
        for index in range(20):
            response = await pool.post(b"body %d" % index)
            assert (response.status, response.body) == (202, b"ok")
        assert gateway.connections == 1
        assert gateway.bodies[7] == b"body 7"
        pool.close()


async def test_posts_at_once_have_a_connection_each_up_to_the_limit():
    async def slowly(_body, writer):
        await asyncio.sleep(0.02)
        send(writer, 202)

    async with FakeGateway(*[slowly] * 12) as gateway:
        pool = Connections(gateway.url, {}, limit=3)
        await asyncio.gather(*(pool.post(b"x") for _ in range(12)))
        assert gateway.connections == gateway.most_in_flight == 3
        pool.close()


async def test_headers_of_one_post_come_besides_those_of_all_and_replace_them():
    async with FakeGateway(*[answering(200)] * 2) as gateway:
        pool = Connections(gateway.url, {"X-Api-Key": "100%d"})
        await pool.post(b"{}", {"Content-Type": "text/plain", "X-Signature": "50%s"})
        await pool.post(b"{}")
        first, second = gateway.heads
        assert "X-Api-Key: 100%d\r\n" in first
        assert "X-Signature: 50%s\r\n" in first
        assert first.count("Content-Type") == 1
        assert "Content-Type: text/plain\r\n" in first
        assert "Content-Type: application/json\r\n" in second
        assert "X-Signature" not in second
        pool.close()


async def test_the_request_says_where_it_goes_and_what_it_carries():
    async with FakeGateway() as gateway:
        pool = Connections(gateway.url + "?tenant=a", {"X-Api-Key": "secret"})
        await pool.post(b"[]")
        head = gateway.heads[0]
        assert head.startswith("POST /events?tenant=a HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{gateway.url.split(':')[2].split('/')[0]}\r\n" in head
        assert "Content-Type: application/json\r\n" in head
        assert "X-Api-Key: secret\r\n" in head
        pool.close()


async def test_a_body_of_megabytes_arrives_whole():
    async with FakeGateway(answering(202)) as gateway:
        pool = Connections(gateway.url, {})
        body = bytes(range(256)) * 40_000
        assert (await pool.post(body)).status == 202
        assert gateway.bodies == [body]
        pool.close()


async def test_a_chunked_answer_and_an_interim_one_are_understood():
    async def interim_then_chunked(_body, writer):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        writer.write(b"HTTP/1.1 202 Accepted\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    async with FakeGateway(interim_then_chunked, answering(200)) as gateway:
        pool = Connections(gateway.url, {})
        response = await pool.post(b"x")
        assert (response.status, response.body, response.headers["retry-after"]) == (202, b"abcde", "3")
        assert (await pool.post(b"y")).status == 200
        pool.close()


async def test_a_connection_that_the_server_closes_is_replaced():
    async with FakeGateway(answering(202, b"", "Connection: close"), answering(202)) as gateway:
        pool = Connections(gateway.url, {})
        await pool.post(b"x")
        await pool.post(b"y")
        assert gateway.connections == 2
        pool.close()


async def test_an_early_answer_to_a_body_that_is_still_being_sent_is_taken():
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        send(writer, 413, b"too large", "Connection: close")
        await writer.drain()
        await asyncio.sleep(0.2)  # the body is never read; closing at once could overtake the answer
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        pool = Connections(f"http://127.0.0.1:{port}/", {})
        response = await pool.post(b"x" * 30_000_000)
        assert (response.status, response.body) == (413, b"too large")
        assert pool._idle == []


@pytest.mark.parametrize(("reply", "kind"), [(hanging_up, "reset"), (hanging, "timeout")])
async def test_a_gateway_that_does_not_answer_is_told_apart(reply, kind):
    async with FakeGateway(reply) as gateway:
        pool = Connections(gateway.url, {}, timeouts=QUICK)
        with pytest.raises(NoAnswer) as failure:
            await pool.post(b"x")
        assert failure.value.kind == kind
        assert (await pool.post(b"[]")).status == 400  # the next one is not affected
        pool.close()


async def test_nonsense_instead_of_http_is_a_protocol_failure():
    async def nonsense(_body, writer):
        writer.write(b"SSH-2.0-OpenSSH_9\r\n")

    async with FakeGateway(nonsense) as gateway:
        with pytest.raises(NoAnswer, match="protocol"):
            await Connections(gateway.url, {}, timeouts=QUICK).post(b"x")


async def test_nobody_listening_is_refused():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        pool = Connections(f"http://127.0.0.1:{free.getsockname()[1]}/events", {})
        with pytest.raises(NoAnswer) as failure:
            await pool.post(b"x")
    assert failure.value.kind == "refused"


async def test_behind_a_gateway_that_hangs_the_queue_is_bounded_in_time():
    async with FakeGateway(hanging, hanging, hanging) as gateway:
        pool = Connections(gateway.url, {}, limit=1, timeouts=QUICK)
        started = asyncio.get_running_loop().time()
        failures = await asyncio.gather(*(pool.post(b"x") for _ in range(50)), return_exceptions=True)
        assert asyncio.get_running_loop().time() - started < 2
        assert {failure.kind for failure in failures if isinstance(failure, NoAnswer)} == {"timeout"}
        assert len(failures) == 50
