"""Webhooks as their senders see them: a gateway process in front of a real JetStream, over real HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import httpx
import nats
import pytest
from nats.aio.client import Client

from ops.local.servers import RunningServer
from pipeline.events.batch import read_batch
from pipeline.events.dead_letter import DeadLetter
from pipeline.events.dead_letter_batch import read_letters
from tests.integration.gateway.webhook_senders import (
    CREDENTIALS,
    SENDER,
    SIGNERS,
    VERIFY_TOKEN,
    facebook,
    standard,
)
from tests.processes import Process, Services, connections, pause
from tests.streams import delete_streams

COMMENT = (
    b'{"object":"page","entry":[{"id":"1","time":1789999990,"changes":[{"field":"feed","value":'
    b'{"item":"comment","verb":"add","comment_id":"1_2","post_id":"1_1","created_time":1789999980,'
    b'"from":{"id":"7","name":"Ada"},"message":"hello"}}]}]}'
)


@pytest.fixture
async def streams(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def services(tmp_path: Path, nats_server: RunningServer, streams: Client) -> Iterator[Services]:
    with Services(tmp_path, {**connections(nats_server), **CREDENTIALS}) as services:
        yield services


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


async def test_meta_shakes_hands_and_the_token_is_in_no_log(
    services: Services, http: httpx.AsyncClient
) -> None:
    gateway = services.gateway()
    url = (
        f"{gateway.url}/webhooks/facebook?hub.mode=subscribe&hub.challenge=a%2Bb%20%3Cx%3E&hub.verify_token="
    )

    right = await http.get(url + VERIFY_TOKEN)
    wrong = await http.get(url + VERIFY_TOKEN[:-1])

    assert (right.status_code, right.text) == (200, "a+b <x>")
    assert right.headers["content-type"] in ("text/plain", "text/plain; charset=utf-8")
    assert right.headers["x-content-type-options"] == "nosniff"
    assert wrong.status_code == 403
    written = gateway.log.read_text() + wrong.text + (await http.get(f"{gateway.url}/metrics")).text
    assert VERIFY_TOKEN[:-1] not in written
    assert "webhook_handshake_answered" in written


async def test_without_secrets_the_doors_say_so(services: Services, http: httpx.AsyncClient) -> None:
    gateway = services.gateway(ready=True, **dict.fromkeys(CREDENTIALS, ""))  # empty is unset

    for name in SIGNERS:
        answer = await http.post(f"{gateway.url}/webhooks/{name}", content=COMMENT)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:sluice:problem:not-configured"
        assert "retry-after" in answer.headers
    answer = await http.post(f"{gateway.url}/webhooks/{SENDER}", content=COMMENT)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:sluice:problem:unknown-sender")


async def test_200_means_that_every_update_is_in_the_stream(
    services: Services, http: httpx.AsyncClient, streams: Client
) -> None:
    gateway = services.gateway()
    meta = json.loads(COMMENT)
    value = meta["entry"][0]["changes"][0]["value"]
    meta["entry"][0]["changes"] = [
        {"field": "feed", "value": {**value, "comment_id": f"1_{number}"}} for number in range(1000)
    ]
    body = json.dumps(meta).encode()

    answer = await http.post(f"{gateway.url}/webhooks/facebook", content=body, headers=facebook(body))

    assert (answer.status_code, answer.json()) == (200, {"accepted": 1000, "rejected": 0})
    events = await in_stream(streams, "facebook")
    assert len(events) == 1000
    assert sum(b'"comment_id": "1_999"' in event or b'"comment_id":"1_999"' in event for event in events) == 1


async def test_what_is_signed_and_cannot_be_stored_is_kept_and_answered_with_200(
    services: Services, http: httpx.AsyncClient, streams: Client
) -> None:
    gateway = services.gateway()
    bodies = {b"", b"{", b'{"object":"page\xff"}', b'{"object":"page","entry":[],"m":"a\\u0000b"}', b"[1,2]"}

    for name, sign in SIGNERS.items():
        for body in bodies:
            answer = await http.post(f"{gateway.url}/webhooks/{name}", content=body, headers=sign(body))
            assert answer.status_code == 200, (name, body)

    letters = await dead_letters(streams)
    assert {letter.raw for letter in letters} == bodies
    assert {letter.source for letter in letters} == {"facebook", "tiktok"}
    assert {letter.stage for letter in letters} == {"gateway"}


async def test_one_bad_update_never_harms_the_others(
    services: Services, http: httpx.AsyncClient, streams: Client
) -> None:
    gateway = services.gateway()
    change = COMMENT[COMMENT.index(b'{"field"') : COMMENT.rindex(b"]}]}")]
    bad = change.replace(b'"hello"', b'"half a pair: \\ud83d"')
    good = change.replace(b"1_2", b"1_3")
    body = COMMENT.replace(change, change + b"," + bad + b"," + good)

    answer = await http.post(f"{gateway.url}/webhooks/facebook", content=body, headers=facebook(body))

    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "rejected": 1})
    assert len(await in_stream(streams, "facebook")) == 2
    [letter] = await dead_letters(streams)
    assert letter.rejection.reason == "unstorable_text"
    assert b"half a pair" in letter.raw


@pytest.mark.parametrize("away", ["killed", "stopped"])
async def test_without_jetstream_it_says_503_soon_and_is_back_by_itself(
    services: Services, http: httpx.AsyncClient, nats_server: RunningServer, streams: Client, away: str
) -> None:
    gateway = services.gateway(NATS_REQUEST_TIMEOUT_SECONDS="1")
    url = f"{gateway.url}/webhooks/facebook"

    nats_server.kill() if away == "killed" else pause(nats_server)
    try:
        for body in (COMMENT, b"kept, or not answered"):
            began = time.monotonic()
            answer = await http.post(url, content=body, headers=facebook(body))
            assert time.monotonic() - began < 3  # TikTok Shop's patience
            assert answer.status_code == 503, body
            assert int(answer.headers["Retry-After"]) >= 1
        assert (await http.post(url, content=COMMENT)).status_code == 401
    finally:
        nats_server.start() if away == "killed" else nats_server.resume()

    gateway.wait_ready(10)
    assert (await http.post(url, content=COMMENT, headers=facebook(COMMENT))).status_code == 200


async def test_a_full_stream_is_503(services: Services, http: httpx.AsyncClient, streams: Client) -> None:
    gateway = services.gateway(EVENTS_MAX_BYTES="64kb")
    large = COMMENT.replace(b"hello", b"x" * 50_000)
    url = f"{gateway.url}/webhooks/facebook"

    answers = [await http.post(url, content=large, headers=facebook(large)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 503]
    assert "Retry-After" in answers[1].headers


async def test_a_flood_of_forgeries_changes_one_counter_and_fills_no_log(
    services: Services, http: httpx.AsyncClient, streams: Client
) -> None:
    gateway = services.gateway()
    before, lines = await counters(http, gateway), len(gateway.log.read_text().splitlines())

    async def forge(number: int) -> set[int]:
        headers = {"X-Hub-Signature-256": f"sha256={number:064x}"}
        url = f"{gateway.url}/webhooks/facebook"
        return {(await http.post(url, content=COMMENT, headers=headers)).status_code for _ in range(300)}

    statuses = await asyncio.gather(*(forge(number) for number in range(10)))

    assert set().union(*statuses) == {401}
    after = await counters(http, gateway)
    assert {name: value for name, value in after.items() if value != before.get(name, 0)} == {
        'webhook_refusals_total{reason="signature_invalid",webhook="facebook"}': 3000
    }
    assert len(gateway.log.read_text().splitlines()) - lines <= 1
    assert (await streams.jetstream().stream_info("EVENTS")).state.messages == 0
    assert (await streams.jetstream().stream_info("DEAD_LETTERS")).state.messages == 0


HOSTILE = {
    "not ASCII": b"X-Hub-Signature-256: sha256=\xff\xfe\x80\r\n",
    "not even Latin": "X-Hub-Signature-256: sha256=\U0001f6d2\r\n".encode(),
    "empty": b"X-Hub-Signature-256:\r\n",
    "twice": (b"X-Hub-Signature-256: %b\r\n" % facebook(COMMENT)["X-Hub-Signature-256"].encode()) * 2,
    "long": b"X-Hub-Signature-256: sha256=" + b"a" * 20_000 + b"\r\n",
    "many": b"".join(b"X-Odd-%d: 1\r\n" % number for number in range(1000)),
    "a list": b"X-Hub-Signature-256: sha256=00, sha256=11\r\n",
    "an odd length of digits": b"TikTok-Signature: t=" + b"9" * 5000 + b",s=0\r\n",
    "an odd id": b"X-Correlation-ID: \xff\r\n",
}


@pytest.mark.parametrize("door", [*SIGNERS, SENDER])
async def test_hostile_headers_are_refused_and_nothing_breaks(services: Services, door: str) -> None:
    gateway = services.gateway()
    for name, headers in HOSTILE.items():
        answer = await raw_post(gateway, f"/webhooks/{door}", headers, COMMENT)
        assert answer.split(b" ")[1] in (b"401", b"400", b"431"), (name, answer[:100])
    assert '"error"' not in gateway.log.read_text()


async def test_any_sender_that_is_configured_is_answered_as_cloudevents_has_it(
    services: Services, http: httpx.AsyncClient, streams: Client
) -> None:
    gateway = services.gateway(WEBHOOK_RATE_PER_SECOND="0.01", WEBHOOK_RATE_BURST="3")
    url = f"{gateway.url}/webhooks/{SENDER}"
    event = {"specversion": "1.0", "id": "e-1", "source": "/shop", "type": "order.placed", "data": {"n": 1}}
    batch = json.dumps([event, {**event, "id": "e-2"}, {"specversion": "1.0"}]).encode()
    plain = b'{"type":"contact.created","data":{"id":"17"}}'

    asked = await http.options(url, headers={"WebHook-Request-Origin": "shop.example.com"})
    batched = await http.post(
        url,
        content=batch,
        headers={**standard(batch, "m-1"), "Content-Type": "application/cloudevents-batch+json"},
    )
    simple = await http.post(url, content=plain, headers=standard(plain, "m-2"))
    forged = await http.post(url, content=plain + b" ", headers=standard(plain, "m-3"))
    unknown = await http.post(f"{url}-2", content=plain, headers=standard(plain, "m-4"))

    assert (asked.status_code, asked.headers["webhook-allowed-origin"]) == (200, "shop.example.com")
    assert (batched.status_code, batched.json()["accepted"], batched.json()["rejected"]) == (202, 2, 1)
    assert batched.json()["errors"][0]["index"] == 2
    assert (simple.status_code, simple.json()) == (202, {"accepted": 1, "rejected": 0, "errors": []})
    assert (forged.status_code, unknown.status_code) == (401, 404)
    assert len(await in_stream(streams, "custom")) == 3
    await http.post(url, content=plain, headers=standard(plain, "m-5"))
    limited = await http.post(url, content=plain, headers=standard(plain, "m-6"))
    assert limited.status_code == 429
    assert "retry-after" in limited.headers


async def in_stream(client: Client, source: str) -> list[bytes]:
    """Every event of the source in the stream."""
    jetstream = client.jetstream()
    state = (await jetstream.stream_info("EVENTS")).state
    found: list[bytes] = []
    for sequence in range(state.first_seq, state.last_seq + 1) if state.messages else ():
        message = await jetstream.get_msg("EVENTS", seq=sequence)
        assert message.subject == f"events.{source}"
        batch = read_batch(source, message.data or b"", message.headers or {})
        found += map(bytes, batch.events)
    return found


async def dead_letters(client: Client) -> list[DeadLetter]:
    jetstream = client.jetstream()
    state = (await jetstream.stream_info("DEAD_LETTERS")).state
    found: list[DeadLetter] = []
    for sequence in range(state.first_seq, state.last_seq + 1) if state.messages else ():
        found += read_letters((await jetstream.get_msg("DEAD_LETTERS", seq=sequence)).data or b"") or []
    return found


async def counters(http: httpx.AsyncClient, gateway: Process) -> Mapping[str, float]:
    """Every counter, apart from those of HTTP itself and of what the process takes."""
    lines = (await http.get(f"{gateway.url}/metrics")).text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {
        name: float(value)
        for name, _, value in pairs
        if "_total" in name and not name.startswith(("http_", "process_"))
    }


async def raw_post(gateway: Process, path: str, headers: bytes, body: bytes) -> bytes:
    """The beginning of the answer to headers that no client library would write."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n" % (
        path.encode(),
        len(body),
        headers,
    )
    writer.write(head + body)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(4096), 10)
    writer.close()
    return answer
