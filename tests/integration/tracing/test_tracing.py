"""Traces of real processes, as a receiver of OTLP gets them."""

import asyncio
import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest

from ops.local import ports
from ops.local.servers import RunningServer
from tests import processes
from tests.integration.notifications.clients import SECRET, token
from tests.integration.tracing.receiver import Received, Receiver
from tests.processes import Process, Services, connections, eventually
from tests.streams import delete_streams
from tests.unit.builders import good_event

SETTINGS = {
    "OTEL_TRACES_SAMPLER_ARG": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def no_streams(nats_server: RunningServer) -> None:
    """What earlier tests left in JetStream is gone."""
    await delete_streams(nats_server)


@pytest.fixture
def services(
    tmp_path: Path,
    nats_server: RunningServer,
    redis_server: RunningServer,
    database_url: str,
    no_streams: None,
    receiver: Receiver,
) -> Iterator[Services]:
    urls = connections(nats_server, redis_server, database_url=database_url)
    with Services(
        tmp_path, {**urls, **SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
    ) as services:
        yield services


class Caller:
    """Somebody with a trace of their own, and a POST in it."""

    def __init__(self) -> None:
        self.trace, self.id = secrets.token_hex(16), secrets.token_hex(8)
        self.headers = {
            "traceparent": f"00-{self.trace}-{self.id}-01",
            "tracestate": "vendor=opaque",
            "X-Correlation-ID": f"c-{self.id}",
        }

    async def post(self, gateway: Process, count: int = 1) -> httpx.Response:
        events: list[Any] = []
        for number in range(count):
            events.append(good_event("facebook", "top"))
            events[-1]["eventId"] = f"fb-{self.id}-{number}"
        async with httpx.AsyncClient(timeout=30) as client:
            return await client.post(f"{gateway.url}/events", json=events, headers=self.headers)


async def arrived(receiver: Receiver, name: str) -> Received:
    """The one span of this name, as soon as it has come."""

    async def check() -> Received:
        return receiver.one(name)

    return await eventually(check, within_seconds=20)


async def logged(process: Process, *texts: str) -> list[dict[str, Any]]:
    """The records of the log with any of these, as soon as there is one of each."""

    async def check() -> list[dict[str, Any]]:
        lines = process.log.read_text().splitlines()
        assert all(any(text in line for line in lines) for text in texts), process.tail()
        return [json.loads(line) for line in lines if any(text in line for text in texts)]

    return await eventually(check, within_seconds=20)


async def test_one_post_is_one_trace_from_the_request_to_the_transaction_and_the_counters(
    services: Services, receiver: Receiver
) -> None:
    gateway, collector = services.gateway(ready=False), services.collector("facebook", ready=False)
    gateway.wait_ready()
    collector.wait_ready()
    caller = Caller()
    assert (await caller.post(gateway, count=3)).status_code == 202

    counted = await arrived(receiver, "tell live counters")
    server = await arrived(receiver, "POST /events")
    publish = await arrived(receiver, "publish events.facebook")
    process = await arrived(receiver, "process events.facebook")
    decode, settle = await arrived(receiver, "decode"), await arrived(receiver, "settle")
    insert = await arrived(receiver, "INSERT event_ledger")

    ours = (server, publish, process, decode, settle, insert, counted)
    assert {span.trace for span in ours} == {caller.trace}
    assert {span.state for span in ours} == {"vendor=opaque"}
    assert [(span.service, span.kind) for span in ours] == [
        ("gateway", "server"),
        ("gateway", "producer"),
        ("facebook-collector", "consumer"),
        ("facebook-collector", "internal"),
        ("facebook-collector", "internal"),
        ("facebook-collector", "client"),
        ("facebook-collector", "internal"),
    ]
    assert server.parent == caller.id
    assert publish.parent == server.id
    assert (process.parent, process.links) == (publish.id, [publish.here])
    assert {decode.parent, settle.parent, insert.parent, counted.parent} == {process.id}
    assert server.attributes["sluice.correlation_id"] == f"c-{caller.id}"
    assert process.attributes["sluice.events"] == publish.attributes["sluice.events"] == 3
    assert process.attributes["sluice.redelivered_messages"] == 0
    assert insert.attributes["db.system.name"] == "postgresql"
    assert "fb-" not in repr(receiver.spans), "no event, nor its id, is a part of any span"
    assert not any(span.failed for span in ours)


@pytest.mark.exhaustive
async def test_requests_that_share_a_message_and_messages_that_share_a_transaction(
    services: Services, receiver: Receiver, nats_server: RunningServer
) -> None:
    gateway = services.gateway(NATS_REQUEST_TIMEOUT_SECONDS="20")
    callers = [Caller() for _ in range(4)]
    processes.pause(nats_server)
    try:
        # The first is on its way when the others come; those share the next message.
        first = asyncio.create_task(callers[0].post(gateway))
        await in_flight(gateway, 1)
        others = [asyncio.create_task(caller.post(gateway)) for caller in callers[1:]]
        await in_flight(gateway, 4)
    finally:
        nats_server.resume()
    assert [(await answer).status_code for answer in (first, *others)] == [202] * 4

    def of(name: str, count: int) -> Callable[[], Any]:
        async def check() -> list[Received]:
            found = receiver.named(name)
            assert len(found) == count
            return found

        return check

    requests = {span.trace: span for span in await eventually(of("POST /events", 4))}
    messages = await eventually(of("publish events.facebook", 2))
    alone, shared = sorted(messages, key=lambda span: len(span.links))
    assert alone.parent == requests[callers[0].trace].id
    assert {trace for trace, _ in shared.links} == {caller.trace for caller in callers[1:]}
    assert {requests[trace].id for trace, _ in shared.links} == {span_id for _, span_id in shared.links}
    parent = requests[shared.trace]
    assert shared.parent == parent.id
    for request in requests.values():
        assert request.links == ([shared.here] if request not in (parent, requests[alone.trace]) else [])

    services.collector("facebook")

    async def handled() -> set[tuple[str, str]]:
        links = {link for span in receiver.named("process events.facebook") for link in span.links}
        assert len(links) == 2
        return links

    assert await eventually(handled, within_seconds=20) == {alone.here, shared.here}


async def in_flight(gateway: Process, count: int) -> None:
    """Returns when so many requests wait for JetStream, as the gateway's metrics tell of connections."""

    async def check() -> None:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{gateway.url}/metrics")).text
        (line,) = [line for line in text.splitlines() if line.startswith("events_accepted_total{")]
        assert float(line.split()[-1]) >= count

    await eventually(check)


@pytest.mark.exhaustive
async def test_what_is_tried_again_and_what_comes_again_is_told(
    services: Services, receiver: Receiver, postgres_server: RunningServer
) -> None:
    gateway = services.gateway()
    collector = services.collector("facebook", ACK_WAIT_SECONDS="2")
    caller = Caller()
    postgres_server.kill()
    try:
        assert (await caller.post(gateway)).status_code == 202
        (record, *_) = await logged(collector, "write_retrying")
        collector.kill()
        successor = services.collector("facebook", ready=False, ACK_WAIT_SECONDS="2")
        await logged(successor, "write_retrying")
    finally:
        postgres_server.start()
    process = await arrived(receiver, "process events.facebook")
    assert record["trace_id"] == process.trace == caller.trace
    assert process.attributes["sluice.redelivered_messages"] == 1
    assert set(process.events) == {"retry"}
    inserts = receiver.named("INSERT event_ledger")
    assert [span.failed for span in inserts].count(False) == 1
    assert {span.attributes.get("error.type") for span in inserts} == {None, "StoreUnavailable"}


async def test_a_like_is_followed_to_the_message_that_tells_of_it_and_names_nobody(
    services: Services, receiver: Receiver, nats_server: RunningServer
) -> None:
    gateway = services.gateway(JWT_SECRET=SECRET)
    services.collector("social")
    caller = Caller()
    post = {"type": "post", "userId": "olga-owner", "postId": "p-secret", "text": "quiet words"}
    like = {"id": f"{caller.id}-2", "type": "like", "userId": "ann-admirer", "postId": "p-secret"}
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        for action, given in ((post, {}), (like, caller.headers)):
            headers = {**given, "Authorization": f"Bearer {token(action['userId'])}"}
            answer = await client.post("/api/events", json=action, headers=headers)
            assert answer.status_code == 202, answer.text

    published = await arrived(receiver, "publish notifications")
    assert published.kind == "producer"
    names = {span.name for span in await traced(receiver, caller, "tell people", "POST /api/events")}
    assert names >= {
        "ask for limits",
        "publish events.social",
        "process events.social",
        "publish notifications",
    }
    client = await nats.connect(nats_server.url)
    message = await client.jetstream().get_msg("NOTIFICATIONS", seq=1)
    await client.close()
    assert (message.headers or {})["traceparent"] == f"00-{caller.trace}-{published.id}-01"

    said = repr(receiver.spans)
    assert [
        text for text in ("olga", "ann-", "p-secret", "quiet", "Bearer", like["id"]) if text in said
    ] == []


async def traced(receiver: Receiver, caller: Caller, *names: str) -> list[Received]:
    """The spans of a caller's trace, as soon as there is one of each name."""

    async def check() -> list[Received]:
        found = [span for span in receiver.spans if span.trace == caller.trace]
        assert {span.name for span in found} >= set(names), found
        return found

    return await eventually(check, within_seconds=20)


@pytest.mark.exhaustive
async def test_an_event_that_is_refused_takes_its_trace_along(services: Services, receiver: Receiver) -> None:
    gateway = services.gateway()
    caller = Caller()
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(
            f"{gateway.url}/events", json=[{"source": "facebook"}], headers=caller.headers
        )
    assert answer.status_code == 400
    kept = await arrived(receiver, "publish dead")
    server = await arrived(receiver, "POST /events")
    assert (kept.parent, kept.trace) == (server.id, caller.trace)
    assert not server.failed, "what a sender did wrong is no error of ours"


@pytest.mark.exhaustive
async def test_a_report_shows_its_statements(services: Services, receiver: Receiver) -> None:
    reporter = services.reporter(OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20t0ken,x-tenant=a")
    caller = Caller()
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{reporter.url}/reports/revenue?source=facebook", headers=caller.headers)
    assert answer.status_code == 200
    server = await arrived(receiver, "GET /reports/revenue")
    statements = [span for span in receiver.spans if span.parent == server.id]
    assert {span.kind for span in statements} == {"client"}
    assert any("revenue" in span.attributes["db.query.text"] for span in statements)
    given = receiver.headers[-1]
    assert (given["authorization"], given["x-tenant"]) == ("Bearer t0ken", "a")


@pytest.mark.exhaustive
async def test_callers_do_not_decide_what_is_traced(services: Services, receiver: Receiver) -> None:
    untrusting = services.gateway(OTEL_TRACES_SAMPLER_ARG="0")
    trusting = services.gateway(OTEL_TRACES_SAMPLER_ARG="0", TRACE_PARENTS_TRUSTED="true")
    ignored, heard = Caller(), Caller()
    assert (await ignored.post(untrusting)).status_code == 202
    assert (await heard.post(trusting)).status_code == 202
    assert (await arrived(receiver, "POST /events")).trace == heard.trace
    untrusting.terminate()
    assert untrusting.wait() == 0
    (told,) = await logged(untrusting, "tracing_off")
    assert (told["spans_sent"], told["spans_lost"]) == (0, 0)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listener that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", ["refuses", "never answers"])
async def test_a_receiver_that_is_away_harms_nobody_and_is_told_once(
    services: Services, silent: socket.socket, way: str
) -> None:
    port = ports.choose_free() if way == "refuses" else silent.getsockname()[1]
    gateway = services.gateway(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    for _ in range(20):
        assert (await Caller().post(gateway)).status_code == 202
    (failing,) = await logged(gateway, "trace_export_failing")
    assert failing["receiver"] == f"127.0.0.1:{port}"
    assert failing["error"]
    for _ in range(20):
        assert (await Caller().post(gateway)).status_code == 202
    with Receiver(port) if way == "refuses" else nullcontext() as late:
        if late is not None:
            await logged(gateway, "trace_export_recovered")
            await Caller().post(gateway)
            await eventually(lambda: any_span(late), within_seconds=20)
        started = time.monotonic()
        gateway.terminate()
        assert gateway.wait() == 0
        assert time.monotonic() - started < 5, "it does not wait for the receiver"
    text = gateway.log.read_text()
    assert text.count("trace_export_failing") == 1
    assert "Traceback" not in text
    assert "exporter" not in text


async def any_span(receiver: Receiver) -> None:
    assert receiver.spans
