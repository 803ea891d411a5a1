"""The gateway as a process under more than it can take: everybody gets an answer, and memory stays in its bounds."""

import asyncio
import resource
import time
from collections import Counter

import httpx
import psutil
import pytest
from nats.aio.client import Client

from bench.overload_senders import LARGE, SLOW, large_body, run
from publisher import Generator, Span
from tests.processes import Process, Services, eventually

pytestmark = pytest.mark.exhaustive

JSON = {"Content-Type": "application/json"}
MB = 1024 * 1024


def single_events(count: int) -> list[bytes]:
    return Generator(5).batch(count, Span(time.time_ns())).raws


async def post(http: httpx.AsyncClient, gateway: Process, body: bytes) -> httpx.Response:
    return await http.post(f"{gateway.url}/events", content=body, headers=JSON)


async def watch_memory(gateway: Process) -> int:
    """The most that it was seen to use, in bytes, when cancelled."""
    process, most = psutil.Process(gateway.pid), 0
    try:
        while True:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        return most


@pytest.mark.slow
async def test_small_requests_are_answered_while_300_connections_are_slow_and_50_senders_send_too_much(
    services: Services,
) -> None:
    budget = 64 * MB
    gateway = services.gateway(
        BODY_BYTES_IN_FLIGHT=str(budget), HEADER_TIMEOUT_SECONDS="3", BODY_TIMEOUT_SECONDS="20"
    )
    before = psutil.Process(gateway.pid).memory_info().rss
    watching = asyncio.create_task(watch_memory(gateway))
    overload = asyncio.create_task(run(gateway.port, 0.0, large_body(), slow_for=30.0))
    answers: Counter[int] = Counter()
    probes: Counter[int] = Counter()

    async with httpx.AsyncClient(timeout=30) as http:

        async def keep_posting() -> None:
            for event in single_events(1000):
                answers[(await post(http, gateway, event)).status_code] += 1
                probes[(await http.get(f"{gateway.url}/health/live")).status_code] += 1
                if overload.done():
                    return

        await asyncio.gather(*(keep_posting() for _ in range(4)))
    ends = await overload
    watching.cancel()

    assert set(answers) == {202}
    assert set(probes) == {200}
    assert set(ends.large) == {"202", "503"}
    assert sum(ends.large.values()) == LARGE
    assert len(ends.slow) == SLOW
    assert {end.status for end in ends.slow} == {404, 408}
    assert max(end.seconds for end in ends.slow) < 30
    # Each byte in flight is held as it came, as one body, and as the batches that are on their way.
    assert await watching < before + 3 * budget


async def test_a_full_budget_refuses_at_once_and_takes_again_when_there_is_room(services: Services) -> None:
    gateway = services.gateway(BODY_BYTES_IN_FLIGHT="1mb", BODY_BYTES_FOR_SMALL="100kb")
    events = single_events(2000)
    large = b"[" + b",".join(events) + b"]"
    async with httpx.AsyncClient(timeout=30) as http:
        answers = await asyncio.gather(*(post(http, gateway, large) for _ in range(8)))
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {202, 503}
        assert {answer.headers["Retry-After"] for answer in answers if answer.status_code == 503} == {"1"}
        assert (await post(http, gateway, large)).status_code == 202


async def test_a_full_stream_is_503_for_everybody_and_loses_nothing_that_was_acknowledged(
    services: Services, jetstream_client: Client
) -> None:
    gateway = services.gateway(EVENTS_MAX_BYTES="1mb")
    events = single_events(4000)
    jetstream = jetstream_client.jetstream()

    async def post_all(http: httpx.AsyncClient, size: int) -> int:
        """Events in answers with 202; every other answer is 503 with Retry-After."""
        accepted = 0
        for start in range(0, len(events), size):
            answer = await post(http, gateway, b"[" + b",".join(events[start : start + size]) + b"]")
            assert answer.status_code in (202, 503)
            if answer.status_code == 202:
                accepted += answer.json()["accepted"]
            else:
                assert int(answer.headers["Retry-After"]) >= 1
        return accepted

    async with httpx.AsyncClient(timeout=30) as http:
        accepted = await post_all(http, 100)
        assert 0 < accepted < len(events)
        state = (await jetstream.stream_info("EVENTS")).state
        assert state.messages >= accepted // 100
        assert (await http.get(f"{gateway.url}/health/live")).status_code == 200

        await jetstream.purge_stream("EVENTS")
        assert (await post(http, gateway, events[0])).status_code == 202


async def test_few_file_descriptors_are_503_above_the_limit_and_recovery_by_itself(
    services: Services,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        gateway = services.gateway()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    half = (
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n["
    )
    writers: list[asyncio.StreamWriter] = []
    for _ in range(140):
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(half)
        writers.append(writer)

    async with httpx.AsyncClient(timeout=10) as http:
        refused = await post(http, gateway, single_events(1)[0])
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert (await http.get(f"{gateway.url}/health/ready")).status_code == 200
        assert 'rule="no_room"' in (await http.get(f"{gateway.url}/metrics")).text

    for writer in writers:
        writer.close()

    async def takes_again() -> None:
        async with httpx.AsyncClient(timeout=10) as http:
            assert (await post(http, gateway, single_events(1)[0])).status_code == 202

    await eventually(takes_again)
