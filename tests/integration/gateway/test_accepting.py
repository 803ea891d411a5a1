"""The gateway as a process, over real HTTP and in front of a real JetStream: what 202 means, and life without it."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from nats.aio.client import Client

from collectors.registry import SOURCES
from ops.local.servers import RunningServer
from pipeline.events.batch import read_batch
from publisher import Generator, Span
from tests.processes import Process, Services, eventually, pause


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


def make_events(count: int, seed: int = 1) -> list[bytes]:
    return Generator(seed).batch(count, Span(time.time_ns())).raws


def array(events: list[bytes]) -> bytes:
    return b"[" + b",".join(events) + b"]"


JSON = {"Content-Type": "application/json"}


async def test_202_means_that_every_event_is_in_the_stream(
    services: Services, http: httpx.AsyncClient, jetstream_client: Client
) -> None:
    gateway = services.gateway()
    events = make_events(3000)

    answer = await http.post(
        f"{gateway.url}/events", content=array(events), headers={**JSON, "X-Correlation-ID": "request-7"}
    )
    stored = await in_stream(jetstream_client)

    assert answer.status_code == 202
    assert answer.json() == {"accepted": 3000, "rejected": 0, "errors": []}
    assert answer.headers["X-Correlation-ID"] == "request-7"
    assert sorted(stored) == sorted(("request-7", event) for event in events)


async def test_single_events_at_the_same_time_share_batches_and_each_is_in_the_stream(
    services: Services, http: httpx.AsyncClient, jetstream_client: Client
) -> None:
    gateway = services.gateway()
    events = make_events(60)

    answers = await asyncio.gather(
        *(
            http.post(
                f"{gateway.url}/events", content=event, headers={**JSON, "X-Correlation-ID": f"r{index}"}
            )
            for index, event in enumerate(events)
        )
    )

    assert {answer.status_code for answer in answers} == {202}
    stored = await in_stream(jetstream_client)
    assert sorted(stored) == sorted((f"r{index}", event) for index, event in enumerate(events))
    state = (await jetstream_client.jetstream().stream_info("EVENTS")).state
    assert state.messages < 60


@pytest.mark.parametrize("form", ["wrapped", "lines", "gzip"])
async def test_every_form_of_a_body_is_understood(
    services: Services, http: httpx.AsyncClient, jetstream_client: Client, form: str
) -> None:
    gateway = services.gateway()
    events = make_events(20)
    body, headers = {
        "wrapped": (b'{"events": ' + array(events) + b"}", JSON),
        "lines": (b"\n".join(events) + b"\n", {"Content-Type": "application/x-ndjson"}),
        "gzip": (gzip.compress(array(events)), {**JSON, "Content-Encoding": "gzip"}),
    }[form]

    answer = await http.post(f"{gateway.url}/events", content=body, headers=headers)

    assert (answer.status_code, answer.json()["accepted"]) == (202, 20)
    assert sorted(event for _, event in await in_stream(jetstream_client)) == sorted(events)


async def test_a_bad_event_is_answered_and_kept_and_its_neighbours_are_accepted(
    services: Services, http: httpx.AsyncClient, jetstream_client: Client
) -> None:
    gateway = services.gateway()
    events = make_events(5)
    bad = events[2].replace(b'"funnelStage":"', b'"funnelStage":"invalid-')
    assert bad != events[2]

    answer = await http.post(
        f"{gateway.url}/events",
        content=array([*events[:2], bad, *events[3:]]),
        headers={**JSON, "X-Correlation-ID": "r1"},
    )

    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (4, 1)
    assert told["errors"][0]["index"] == 2
    assert told["errors"][0]["eventId"] == json.loads(bad)["eventId"]
    assert told["errors"][0]["reason"] == "schema_violation"
    assert len(await in_stream(jetstream_client)) == 4
    kept = await jetstream_client.jetstream().get_msg("DEAD_LETTERS", seq=1)
    assert [letter["correlation_id"] for letter in json.loads(kept.data or b"")] == ["r1"]


async def test_nothing_acceptable_is_400_and_in_no_stream_of_events(
    services: Services, http: httpx.AsyncClient, jetstream_client: Client
) -> None:
    gateway = services.gateway()

    for body in (b"[{}]", b"{", b"[1, 2", b"[]", b"\xff"):
        answer = await http.post(f"{gateway.url}/events", content=body, headers=JSON)
        assert answer.status_code == 400, body
        assert answer.headers["Content-Type"].startswith("application/problem+json")

    assert await in_stream(jetstream_client) == []


@pytest.mark.parametrize("away", ["killed", "stopped"])
async def test_without_nats_it_says_503_soon_and_is_back_by_itself(
    services: Services, http: httpx.AsyncClient, nats_server: RunningServer, away: str
) -> None:
    gateway = services.gateway(NATS_REQUEST_TIMEOUT_SECONDS="1")
    events = make_events(10)

    nats_server.kill() if away == "killed" else pause(nats_server)
    try:
        for _ in range(2):
            began = time.monotonic()
            answer = await http.post(f"{gateway.url}/events", content=array(events), headers=JSON)
            assert time.monotonic() - began < 2
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.headers["Content-Type"].startswith("application/problem+json")
        ready = await http.get(f"{gateway.url}/health/ready")
        assert ready.status_code == 503
        assert [check["name"] for check in ready.json()["checks"] if not check["ready"]] == ["nats"]
        assert (await http.get(f"{gateway.url}/health/live")).status_code == 200
    finally:
        nats_server.start() if away == "killed" else nats_server.resume()

    gateway.wait_ready(10)
    answer = await http.post(f"{gateway.url}/events", content=array(events), headers=JSON)
    assert answer.status_code == 202


async def test_it_starts_without_nats_and_becomes_ready_when_that_comes(
    services: Services, http: httpx.AsyncClient, nats_server: RunningServer
) -> None:
    nats_server.kill()
    try:
        gateway = services.gateway(ready=False)
        gateway.wait_alive()
        answer = await http.post(f"{gateway.url}/events", content=array(make_events(1)), headers=JSON)
        assert answer.status_code == 503
    finally:
        nats_server.start()
    gateway.wait_ready(10)


async def test_a_full_stream_is_503_until_it_is_drained(
    services: Services, http: httpx.AsyncClient, jetstream_client: Client
) -> None:
    gateway = services.gateway(EVENTS_MAX_BYTES="1mb")
    body = array(make_events(1500))

    async def post() -> httpx.Response:
        return await http.post(f"{gateway.url}/events", content=body, headers=JSON)

    answers = [await post() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 503, 503]
    assert "Retry-After" in answers[1].headers

    await jetstream_client.jetstream().purge_stream("EVENTS")
    assert (await post()).status_code == 202


async def test_asked_to_stop_during_a_large_post_it_answers_it_before_it_ends(
    services: Services, jetstream_client: Client
) -> None:
    gateway = services.gateway()
    events = make_events(20_000)
    body = array(events)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = f"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body[: len(body) // 2])
    await writer.drain()

    gateway.terminate()
    await eventually(lambda: refuses_connections(gateway))
    writer.write(body[len(body) // 2 :])
    await writer.drain()

    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 202"), answer[:200]
    assert b'"accepted":20000' in answer
    assert gateway.wait() == 0
    assert len(await in_stream(jetstream_client)) == 20_000


@pytest.mark.parametrize("away", ["killed", "stopped"])
async def test_asked_to_stop_without_nats_it_ends_well(
    services: Services, nats_server: RunningServer, away: str
) -> None:
    gateway = services.gateway(NATS_REQUEST_TIMEOUT_SECONDS="1")
    nats_server.kill() if away == "killed" else pause(nats_server)
    try:
        gateway.terminate()
        assert gateway.wait(10) == 0, gateway.tail()
    finally:
        nats_server.start() if away == "killed" else nats_server.resume()


async def in_stream(client: Client) -> list[tuple[str, bytes]]:
    """Every event in the stream, with its correlation id."""
    jetstream = client.jetstream()
    state = (await jetstream.stream_info("EVENTS")).state
    found: list[tuple[str, bytes]] = []
    for sequence in range(state.first_seq, state.last_seq + 1) if state.messages else ():
        message = await jetstream.get_msg("EVENTS", seq=sequence)
        source = (message.subject or "").removeprefix("events.")
        batch = read_batch(source, message.data or b"", message.headers or {})
        assert batch.format == SOURCES[source].event_format
        found += [(batch.correlation_of(index), bytes(raw)) for index, raw in enumerate(batch.events)]
    return found


async def refuses_connections(gateway: Process) -> None:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    except OSError:
        return
    writer.close()
    raise AssertionError("the gateway still takes connections")
