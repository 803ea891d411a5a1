"""From a provider's POST to rows in Postgres: every body of `tests/data/webhook_samples`, and what is sent again."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import nats
import pytest
from nats.aio.client import Client

from collectors.registry import SOURCES
from ops.local.servers import RunningServer
from pipeline.events.reasons import Rejection
from pipeline.events.record import EventRecord
from pipeline.events.source import Source
from pipeline.events.webhook import BadUpdate, Webhook, WebhookRequest
from tests.integration.gateway.webhook_senders import CREDENTIALS, SENDER, SIGNERS, standard, tiktok
from tests.processes import Process, Services, connections, eventually
from tests.streams import delete_streams

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "webhook_samples").glob("*/*.json"))


@pytest.fixture
async def streams(nats_server: RunningServer) -> AsyncIterator[Client]:
    """A plain client of a JetStream that holds no streams at the beginning."""
    await delete_streams(nats_server)
    client = await nats.connect(nats_server.url)
    yield client
    await client.close()


@pytest.fixture
def gateway(
    tmp_path: Path,
    nats_server: RunningServer,
    redis_server: RunningServer,
    streams: Client,
    database_url: str,
) -> Iterator[Process]:
    """A gateway, and a collector of every source behind it. The samples' times may be older than any retention."""
    urls = connections(nats_server, redis_server, database_url=database_url)
    with Services(tmp_path, {**urls, **CREDENTIALS, "RETENTION_DAYS": "0"}) as services:
        started = services.gateway(ready=False)
        collectors = [services.collector(source, ready=False) for source in SOURCES]
        for process in (started, *collectors):
            process.wait_ready()
        yield started


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Reads the tables, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


def door_of(sample: Path) -> str:
    if sample.parent.name == "tiktok":
        return "tiktok-shop" if sample.name.startswith("shop_") else "tiktok"
    return sample.parent.name


def webhook_of(door: str) -> tuple[Source, Webhook]:
    return next((s, w) for s in SOURCES.values() for w in s.webhooks if w.name == door)


def records_of(door: str, body: bytes) -> Iterator[EventRecord]:
    """What the source's own code makes of a body, without any gateway or collector."""
    source, webhook = webhook_of(door)
    wanted, now = source.formats[webhook.format], datetime.now(UTC)
    for update in webhook.split(WebhookRequest(door, {}, body, now)):
        assert not isinstance(update, BadUpdate), update
        event = wanted.judge(update, now)
        assert not isinstance(event, Rejection), event
        yield wanted.to_record(event, msgspec.Raw(update), now)


def test_there_are_samples_of_both() -> None:
    assert Counter(sample.parent.name for sample in SAMPLES) == {"facebook": 15, "tiktok": 15}


async def test_every_sample_is_stored_with_the_fields_that_its_source_reads_in_it(
    gateway: Process, look: asyncpg.Connection, http: httpx.AsyncClient
) -> None:
    expected: dict[tuple[str, str], EventRecord] = {}
    for sample in SAMPLES:
        door, body = door_of(sample), sample.read_bytes()
        records = list(records_of(door, body))
        assert records, sample.name
        for record in records:  # some samples hold an update of another one, which is stored once
            expected.setdefault((webhook_of(door)[0].name, record.event_id), record)

        answer = await http.post(f"{gateway.url}/webhooks/{door}", content=body, headers=SIGNERS[door](body))

        assert answer.status_code == 200, sample.name
        if door == "tiktok-shop":
            assert answer.content == b""
        else:
            assert answer.json() == {"accepted": len(records), "rejected": 0}, sample.name

    async def all_stored() -> list[asyncpg.Record]:
        rows = await look.fetch("SELECT * FROM events")
        assert len(rows) == len(expected)
        return rows

    for row in await eventually(all_stored, within_seconds=20):
        record = expected.pop((row["source"], row["event_id"]))
        assert fields_of(row) == fields_of(msgspec.structs.asdict(record))
        assert payload_of(row["payload"]) == payload_of(bytes(record.payload))
    assert not expected


async def test_what_is_delivered_five_times_is_stored_once(
    gateway: Process, streams: Client, look: asyncpg.Connection, http: httpx.AsyncClient
) -> None:
    folder = SAMPLES[0].parents[1]
    meta = (folder / "facebook" / "page_feed_batch_mixed.json").read_bytes()
    notification = (folder / "tiktok" / "post_publish_complete.json").read_bytes()
    order = (folder / "tiktok" / "shop_01_order_status_change.json").read_bytes()
    contact = b'{"type":"contact.created","timestamp":"2026-09-20T10:00:00Z","data":{"id":"17"}}'
    updates = len(list(records_of("facebook", meta)))

    for attempt in range(5):
        for door, body, headers in (
            ("facebook", sent_later(meta, attempt), None),
            ("tiktok", notification, tiktok(notification, seconds_ago=attempt)),
            ("tiktok-shop", order, None),
            (SENDER, contact, standard(contact, "msg_17", seconds_ago=attempt)),
        ):
            signed = headers or SIGNERS[door](body)
            answer = await http.post(f"{gateway.url}/webhooks/{door}", content=body, headers=signed)
            assert answer.status_code in (200, 202), (door, answer.text)

    async def settled() -> None:
        waiting = (await streams.jetstream().stream_info("EVENTS")).state.messages
        assert waiting == 0  # a message is gone when its collector has acknowledged it

    await eventually(settled, within_seconds=20)
    rows = await look.fetch("SELECT source, event_id FROM events")
    assert Counter(row["source"] for row in rows) == {"facebook": updates, "tiktok": 2, "custom": 1}
    assert await look.fetchval("SELECT sum(events) FROM event_rollups WHERE bucket_seconds = 60") == len(rows)


def payload_of(written: str | bytes) -> Any:
    """Without the time of receiving, which stands in for a missing time of sending."""
    payload = json.loads(written)
    if isinstance(entry := payload.get("entry"), dict):
        entry.pop("received_at", None)
    return payload


def sent_later(meta: bytes, attempt: int) -> bytes:
    """The same updates under another time of sending, as a re-send has it."""
    body = json.loads(meta)
    for entry in body["entry"]:
        entry["time"] += attempt * 60
    return json.dumps(body).encode()


def fields_of(row: Any) -> dict[str, Any]:
    """What a report can see of an event; not when it was received."""
    names = ("funnel_stage", "event_type", "occurred_at", "user_id", "amount", "currency", "campaign_id")
    return {name: row[name] for name in names}
