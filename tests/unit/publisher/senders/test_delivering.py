"""How a provider tries again."""

import json
import re

import pytest

from publisher.answers import ACCEPTED, REJECTED, UNKNOWN
from publisher.pool import Connections, Timeouts
from publisher.senders.delivering import Counts, Courier, Delivered
from publisher.senders.providers import PROVIDERS
from publisher.senders.update import Delivery
from tests.unit.publisher.fake_gateway import FakeGateway, Reply, answering, hanging_up
from tests.unit.publisher.senders.deliveries import delivery, settings

TAKEN = b'{"accepted":1,"rejected":0}'


class Clock:
    """Each look at it is half a second later."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


async def deliver(
    provider: str, sent: Delivery, *script: Reply, **options
) -> tuple[Delivered, FakeGateway, Courier]:
    async with FakeGateway(*script) as gateway:
        line = Connections(gateway.url, {}, timeouts=Timeouts(connect=1, answer=1))
        chosen = settings(provider, **{"retry_delays_seconds": (0.0,), "attempts": 6, **options})
        courier = Courier(line, chosen, Clock())
        delivered = await courier.deliver(sent)
        line.close()
    return delivered, gateway, courier


def headers(gateway: FakeGateway, name: str) -> list[str]:
    found = [re.search(rf"(?im)^{name}: (.*?)\r$", head) for head in gateway.heads]
    return [match[1] for match in found if match]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_taken_at_once_is_sent_once(provider: str):
    status = 202 if provider == "standard-webhooks" else 200
    delivered, gateway, courier = await deliver(provider, delivery(provider), answering(status, TAKEN))
    assert (delivered.verdict, delivered.attempts, delivered.counts) == (ACCEPTED, 1, Counts(1, 0))
    assert delivered.bytes == len(gateway.bodies[0])
    assert courier.retries == 0


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("failure", [answering(503), answering(500), answering(401), hanging_up])
async def test_what_is_not_taken_comes_again_until_it_is(provider: str, failure: Reply):
    status = 202 if provider == "standard-webhooks" else 200
    delivered, gateway, courier = await deliver(
        provider, delivery(provider), failure, failure, answering(status, TAKEN)
    )
    assert (delivered.verdict, delivered.attempts, courier.retries) == (ACCEPTED, 3, 2)
    assert len(gateway.bodies) == 3


async def test_meta_sends_the_same_updates_under_another_time():
    sent = delivery("facebook-webhook", size=5)
    _, gateway, _ = await deliver("facebook-webhook", sent, *[answering(503)] * 3, answering(200, TAKEN))
    bodies = [json.loads(body) for body in gateway.bodies]
    times = [{entry.pop("time", None) for entry in body.get("entry", [])} for body in bodies]
    assert all(body == bodies[0] for body in bodies)
    assert len({frozenset(each) for each in times}) == 4
    assert len(set(headers(gateway, "X-Hub-Signature-256"))) == 4


async def test_tiktok_sends_the_same_bytes_with_a_fresh_time_and_signature():
    _, gateway, _ = await deliver(
        "tiktok-webhook", delivery("tiktok-webhook"), *[answering(503)] * 2, answering(200, TAKEN)
    )
    assert len(set(gateway.bodies)) == 1
    assert len(set(headers(gateway, "TikTok-Signature"))) == 3


async def test_the_shop_sends_the_same_in_every_byte():
    _, gateway, _ = await deliver(
        "tiktok-shop", delivery("tiktok-shop"), *[answering(503)] * 2, answering(200)
    )
    assert len(set(gateway.bodies)) == len(set(headers(gateway, "Authorization"))) == 1


async def test_standard_webhooks_keep_their_id_and_change_their_time():
    _, gateway, _ = await deliver(
        "standard-webhooks", delivery("standard-webhooks"), *[answering(503)] * 2, answering(202, TAKEN)
    )
    assert len(set(gateway.bodies)) == len(set(headers(gateway, "webhook-id"))) == 1
    times = [int(each) for each in headers(gateway, "webhook-timestamp")]
    assert times == sorted(set(times))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_was_taken_comes_again_when_the_answer_is_lost(provider: str):
    status = 202 if provider == "standard-webhooks" else 200
    sent = delivery(provider, lost_answers=2)
    delivered, gateway, _ = await deliver(provider, sent, *[answering(status, TAKEN)] * 3)
    assert (delivered.verdict, delivered.attempts, len(gateway.bodies)) == (ACCEPTED, 3, 3)


async def test_it_is_given_up_after_its_attempts_and_the_best_answer_counts():
    sent = delivery("facebook-webhook")
    delivered, _, courier = await deliver("facebook-webhook", sent, *[answering(401)] * 6)
    assert (delivered.verdict, delivered.status, delivered.attempts) == (REJECTED, 401, 6)
    assert courier.statuses == {"401": 6}
    delivered, _, _ = await deliver("facebook-webhook", sent, answering(503), *[answering(401)] * 5)
    assert delivered.verdict == UNKNOWN, "it may have been stored"


async def test_only_200_will_do_for_a_provider():
    sent = delivery("facebook-webhook")
    delivered, _, _ = await deliver("facebook-webhook", sent, *[answering(202, TAKEN)] * 6)
    assert (delivered.verdict, delivered.attempts) == (UNKNOWN, 6)


async def test_a_sender_of_standard_webhooks_never_comes_again_after_410():
    sent = delivery("standard-webhooks")
    delivered, gateway, _ = await deliver("standard-webhooks", sent, *[answering(410)] * 6)
    assert (delivered.verdict, len(gateway.bodies)) == (REJECTED, 1)


async def test_only_standard_webhooks_heed_retry_after(monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("publisher.senders.delivering.asyncio.sleep", sleep)
    for provider, waited in (("standard-webhooks", 7.0), ("facebook-webhook", 0.0)):
        waits.clear()
        await deliver(
            provider,
            delivery(provider),
            answering(503, b"", "Retry-After: 7"),
            answering(202 if provider == "standard-webhooks" else 200, TAKEN),
        )
        assert waits == [waited]


async def test_the_last_delay_counts_for_all_that_follow(monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("publisher.senders.delivering.asyncio.sleep", sleep)
    script = [answering(503)] * 6
    await deliver(
        "tiktok-webhook", delivery("tiktok-webhook"), *script, retry_delays_seconds=(1.0, 5.0), attempts=5
    )
    assert waits == [1.0, 5.0, 5.0, 5.0]
