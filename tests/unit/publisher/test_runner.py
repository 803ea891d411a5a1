import asyncio
import json
from collections import Counter
from decimal import Decimal

import pytest

from pipeline.errors import ConfigurationError
from publisher import Mix, Run, Settings, run
from publisher.pool import Timeouts
from tests.unit.publisher.fake_gateway import FakeGateway, answering, hanging_up

NOON_MS = 1_778_760_000_000


async def test_a_count_is_sent_exactly_and_summed_up():
    async with FakeGateway() as gateway:
        summary = await run(Settings(endpoint=gateway.url, rate=0, batch_size=300, count=1_000, seed=5))
    assert (summary.sent, summary.accepted, summary.posts) == (1_000, 1_000, 4)
    assert (summary.rejected, summary.unknown, summary.duplicates, summary.retries) == (0, 0, 0, 0)
    assert summary.answers == {"202": 4}
    assert summary.bytes == sum(map(len, gateway.bodies))
    assert summary.latency_p50_ms is not None
    assert summary.latency_p99_ms is not None
    assert summary.exit_code == 0


async def test_the_same_seed_and_start_send_the_same_bodies():
    received = []
    for _ in range(2):
        async with FakeGateway() as gateway:
            settings = Settings(
                endpoint=gateway.url,
                rate=20_000,
                batch_size=100,
                count=2_000,
                start_ms=NOON_MS,
                malformed_ratio=0.5,
                duplicate_ratio=0.1,
                mix=Mix(returning_users=0.2, out_of_order=0.1),
            )
            await run(settings)
            received.append(sorted(gateway.bodies))
    assert received[0] == received[1]


async def test_the_firehose_posts_arrays_of_the_given_sizes_on_the_second():
    async with FakeGateway() as gateway:
        summary = await run(
            Settings(endpoint=gateway.url, minimum=10, maximum=20, duration_seconds=1.5, seed=3)
        )
    assert summary.posts == len(gateway.bodies) == 2
    assert all(10 <= len(json.loads(body)) <= 21 for body in gateway.bodies)
    assert 1.0 <= summary.elapsed_seconds < 1.5


async def test_a_slow_gateway_gets_overlapping_posts():
    async def slow(body, writer):
        await asyncio.sleep(0.3)
        await gateway.judge(body, writer)

    async with FakeGateway(*[slow] * 10) as gateway:
        await run(Settings(endpoint=gateway.url, rate=100, batch_size=2, count=20))
        assert gateway.most_in_flight == 10


async def test_in_the_closed_loop_only_so_many_posts_are_under_way():
    async def slow(body, writer):
        await asyncio.sleep(0.01)
        await gateway.judge(body, writer)

    async with FakeGateway(*[slow] * 30) as gateway:
        await run(Settings(endpoint=gateway.url, rate=0, batch_size=1, count=30, concurrency=4))
        assert gateway.most_in_flight == 4
        assert all(isinstance(json.loads(body), dict) for body in gateway.bodies)


async def test_the_truth_equals_what_a_gateway_accepted():
    async with FakeGateway() as gateway:
        settings = Settings(
            endpoint=gateway.url,
            rate=0,
            batch_size=50,
            count=5_000,
            malformed_ratio=0.8,
            duplicate_ratio=0.1,
            mix=Mix(returning_users=0.4, user_pool=50),
            keep_truth=True,
        )
        summary = await run(settings)
        unique = {event["eventId"]: event for event in gateway.accepted}.values()
    kinds = Counter(f"{e['source']}/{e['funnelStage']}/{e['eventType']}" for e in unique)
    users = {e["data"]["user"]["userId"] for e in unique if e["source"] == "facebook"}
    spent = sum(Decimal(e["data"]["engagement"].get("purchaseAmount") or 0) for e in unique)
    assert summary.truth is not None
    assert summary.truth.events == kinds
    assert sum(summary.truth.revenue.values()) == spent
    assert summary.truth.facebook.total_users == len(users)
    assert summary.duplicates > 300
    assert summary.rejected > 30
    assert summary.accepted == len(gateway.accepted) > len(unique)


async def test_a_gateway_that_is_away_costs_the_events_but_not_the_run():
    summary = await run(Settings(endpoint="http://127.0.0.1:1/events", rate=1_000, batch_size=10, count=100))
    assert (summary.sent, summary.unknown, summary.answers) == (100, 100, {"refused": 10})
    assert summary.latency_p50_ms is None


async def test_with_a_retry_deadline_every_body_is_acknowledged_in_the_end():
    faults = [hanging_up, answering(503, b"", "Retry-After: 0"), hanging_up] * 5
    async with FakeGateway(*faults) as gateway:
        settings = Settings(
            endpoint=gateway.url, rate=2_000, batch_size=20, count=400, retry_deadline_seconds=20
        )
        summary = await run(settings)
    assert (summary.accepted, summary.unknown, summary.retries) == (400, 0, 15)
    assert summary.answers == {"202": 20, "503": 5, "reset": 10}


async def test_a_stop_ends_an_unlimited_run_with_a_summary():
    async with FakeGateway() as gateway:
        unlimited = Run(Settings(endpoint=gateway.url, rate=500, batch_size=5))
        asyncio.get_running_loop().call_later(0.2, unlimited.stop)
        async with asyncio.timeout(10):
            summary = await unlimited.run()
    assert summary.accepted == summary.sent > 0


async def test_the_api_key_is_sent():
    async with FakeGateway() as gateway:
        await run(Settings(endpoint=gateway.url, rate=0, count=1, api_key="k-1"))
    assert "X-Api-Key: k-1" in gateway.heads[0]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(malformed_ratio=1.5), "--malformed-ratio"),
        (Settings(mix=Mix(returning_users=-0.1)), "--returning-users"),
        (Settings(minimum=10, maximum=9), "--max"),
        (Settings(rate=-1.0), "--rate"),
        (Settings(rate=1.0, batch_size=0), "--batch-size"),
        (Settings(duration_seconds=0), "--duration"),
        (Settings(verify=True), "--verify"),
        (Settings(endpoint="localhost:3001"), "EVENT_ENDPOINT"),
        (Settings(timeouts=Timeouts(answer=0)), "--timeout"),
    ],
)
async def test_settings_that_make_no_sense_are_refused_by_name(settings: Settings, named: str):
    with pytest.raises(ConfigurationError, match=f"^{named}: "):
        await run(settings)
