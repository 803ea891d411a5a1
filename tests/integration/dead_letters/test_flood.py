"""A sender that does everything wrong: its bad events are all kept, and nobody else notices much."""

import asyncio
import time

import httpx
import pytest
from nats.aio.client import Client

from pipeline.stream import DeadLetterFilter
from tests.integration.collectors.facebook_events import make_events
from tests.integration.dead_letters.conftest import Desk
from tests.processes import Services

pytestmark = pytest.mark.exhaustive

JSON = {"content-type": "application/json"}
BAD_EVENTS = 25_000


@pytest.mark.slow
async def test_a_post_of_bad_events_only_is_kept_whole_and_good_ones_go_on(
    services: Services, http: httpx.AsyncClient, desk: Desk, streams: Client
) -> None:
    gateway = services.gateway()
    events = make_events(1_000)
    bad = [raw.replace(b'"funnelStage":"', b'"funnelStage":"un') for raw in events]
    body = b"[" + b",".join(bad * (BAD_EVENTS // len(bad))) + b"]"

    began = time.monotonic()
    flood = asyncio.create_task(http.post(f"{gateway.url}/events", content=body, headers=JSON))
    good: list[int] = []
    while not flood.done() or not good:
        answer = await http.post(f"{gateway.url}/events", content=events[len(good) % 1_000], headers=JSON)
        good.append(answer.status_code)
    assert (await flood).status_code == 400
    assert time.monotonic() - began < 20
    assert set(good) == {202}

    [count] = await desk.archive.counts(DeadLetterFilter())
    assert (count.source, count.reason, count.letters) == ("facebook", "schema_violation", BAD_EVENTS)
    messages = (await streams.jetstream().stream_info("DEAD_LETTERS")).state.messages
    assert messages <= BAD_EVENTS // 100, "letters share messages"
    metrics = (await http.get(f"{gateway.url}/metrics")).text
    assert f'dead_letters_total{{reason="schema_violation",source="facebook"}} {BAD_EVENTS}.0' in metrics
