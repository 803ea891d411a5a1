"""What is not believed: one answer for all, one counter, hardly a line, and nothing of the sender's quota."""

import json
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.webhooks.settings import WebhookSettings
from pipeline.chassis.settings import ByteSize
from tests.unit.gateway.fakes import RecordingPublisher
from tests.unit.gateway.webhooks.made_up import (
    SECRET,
    AcmeCredentials,
    Sender,
    acme_app,
    body_of,
    sender_to,
    sign,
    update,
)

BODY = body_of(update())
GOOD = sign(BODY)["x-acme-signature"]
FORGERIES: dict[str, Any] = {
    "no signature": {},
    "an empty one": {"x-acme-signature": ""},
    "a wrong one": {"x-acme-signature": "0" * 64},
    "of another body": sign(BODY + b" "),
    "with another secret": sign(BODY, "a guess"),
    "beyond ASCII": {b"x-acme-signature": b"\xff\xfe"},
    "a huge one": {"x-acme-signature": "0" * 30_000},
    "a good one twice": [("x-acme-signature", GOOD), ("X-Acme-Signature", GOOD)],
    "a good and a bad one": [("x-acme-signature", "0" * 64), ("x-acme-signature", GOOD)],
    "one that finds a defect": {"x-acme-signature": "a defect"},
}


@pytest.mark.parametrize("headers", FORGERIES.values(), ids=FORGERIES)
async def test_a_forgery_is_refused_without_a_word_about_what_is_wrong(
    sender: Sender, publisher: RecordingPublisher, headers: Any
) -> None:
    first = await sender.deliver(BODY, headers={})
    answer = await sender.deliver(BODY, headers=headers)

    assert answer.status_code == 401
    assert answer.content == first.content
    assert comparable(answer) == comparable(first)
    assert json.loads(answer.content)["type"] == "urn:sluice:problem:unauthorized"
    assert (publisher.batches, publisher.letters) == ([], [])


async def test_a_flood_of_forgeries_moves_one_counter_and_hardly_the_log(
    sender: Sender, publisher: RecordingPublisher
) -> None:
    with capture_logs() as logs:
        for _ in range(2000):
            await sender.deliver(BODY, headers={"x-acme-signature": "0" * 64})

    assert await sender.counters() == {
        'webhook_refusals_total{reason="signature_invalid",webhook="acme"}': 2000
    }
    assert [line["event"] for line in logs] == ["webhook_requests_refused"]
    assert (publisher.batches, publisher.letters) == ([], [])


async def test_a_defect_of_a_verifier_is_told_once_and_counted(sender: Sender) -> None:
    with capture_logs() as logs:
        for _ in range(10):
            await sender.deliver(BODY, headers={"x-acme-signature": "a defect"})

    assert await sender.counters() == {'webhook_refusals_total{reason="verifying_failed",webhook="acme"}': 10}
    assert sorted(line["event"] for line in logs) == ["webhook_requests_refused", "webhook_verifying_failed"]


async def test_forgeries_use_up_nothing_of_the_rate(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher
) -> None:
    slow = WebhookSettings(webhook_rate_per_second=0.001, webhook_rate_burst=2)
    async with sender_to(acme_app(monkeypatch, publisher, webhooks=slow)) as sender:
        for _ in range(20):
            assert (await sender.deliver(BODY, headers={})).status_code == 401
        answers = [await sender.deliver(BODY) for _ in range(3)]
        counters = await sender.counters()

    assert [answer.status_code for answer in answers] == [200, 200, 503]
    assert int(answers[2].headers["retry-after"]) > 900
    assert counters['webhook_deliveries_total{outcome="rate_limited",webhook="acme"}'] == 1


async def test_too_fast_is_429_at_the_door_for_any_sender_and_each_has_a_rate_of_its_own(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher
) -> None:
    slow = WebhookSettings(webhook_rate_per_second=0.001, webhook_rate_burst=1)
    credentials = AcmeCredentials(SECRET, "", ("bob", "eve"))
    app = acme_app(monkeypatch, publisher, webhooks=slow, credentials=credentials)
    async with sender_to(app) as sender:
        answers = [await sender.deliver(BODY, to) for to in ("bob", "bob", "eve", "acme")]

    assert [answer.status_code for answer in answers] == [202, 429, 202, 200]
    assert "retry-after" in answers[1].headers


async def test_a_provider_without_a_secret_is_503_and_a_sender_without_one_404(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher
) -> None:
    app = acme_app(monkeypatch, publisher, credentials=AcmeCredentials())
    async with sender_to(app) as sender:
        answers = [await sender.deliver(BODY, to) for to in ("acme", "acme-shop", "bob", "a/b", "")]
        counters = await sender.counters()

    assert [answer.status_code for answer in answers] == [503, 503, 404, 404, 404]
    assert [answer.json()["type"].rpartition(":")[2] for answer in answers[:3]] == [
        "not-configured",
        "not-configured",
        "unknown-sender",
    ]
    assert "retry-after" in answers[0].headers
    assert counters == {
        'webhook_refusals_total{reason="not_configured",webhook="acme"}': 1,
        'webhook_refusals_total{reason="not_configured",webhook="acme-shop"}': 1,
        'webhook_refusals_total{reason="unknown_sender",webhook="anyone"}': 3,
    }


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit_is_413_and_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher, announced: bool
) -> None:
    small = WebhookSettings(webhook_body_limit=ByteSize(100))
    body = body_of(update(1), update(2), update(3))

    async def in_pieces() -> Any:
        for start in range(0, len(body), 30):
            yield body[start : start + 30]

    async with sender_to(acme_app(monkeypatch, publisher, webhooks=small)) as sender:
        content: Any = body if announced else in_pieces()
        answer = await sender.client.post("/webhooks/acme", content=content, headers=sign(body))

    assert answer.status_code == 413
    assert "WEBHOOK_BODY_LIMIT" in answer.json()["detail"]


async def test_bodies_share_the_bytes_in_flight_with_those_of_events(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher
) -> None:
    app = acme_app(monkeypatch, publisher, body_bytes_in_flight=ByteSize(len(BODY) - 1))
    async with sender_to(app) as sender:
        answer = await sender.deliver(BODY)
        counters = await sender.counters()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert counters == {'webhook_refusals_total{reason="unavailable",webhook="acme"}': 1}


@pytest.mark.parametrize(
    "headers",
    [
        [("content-encoding", "gzip")],
        [("content-encoding", "identity"), ("content-encoding", "br")],
    ],
)
async def test_a_compressed_body_is_refused_although_it_is_signed(
    sender: Sender, headers: list[tuple[str, str]]
) -> None:
    answer = await sender.deliver(BODY, headers=[*sign(BODY).items(), *headers])
    assert answer.status_code == 415


async def test_other_headers_may_come_twice(sender: Sender) -> None:
    signature = sign(BODY)["x-acme-signature"].encode()
    headers = [(b"x-acme-signature", signature), (b"via", b"one"), (b"via", b"two"), (b"x-odd", b"\xe4\xff")]
    assert (await sender.deliver(BODY, headers=headers)).status_code == 200


async def test_other_methods_are_not_allowed(sender: Sender) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        assert (await sender.client.request(method, "/webhooks/acme")).status_code == 405
    assert (await sender.client.get("/webhooks/acme-shop")).status_code == 405


async def test_the_paths_that_callers_make_up_are_no_labels(sender: Sender) -> None:
    for name in ("nobody", "never", "a/b/c"):
        await sender.deliver(BODY, name, headers={})
    metrics = (await sender.client.get("/metrics")).text
    assert 'route="/webhooks/{sender}",service="gateway",status="404"' in metrics
    assert "nobody" not in metrics
    assert "never" not in metrics


def comparable(answer: httpx.Response) -> dict[str, str]:
    """The headers, without the id of the single request."""
    return {name: value for name, value in answer.headers.items() if name != "x-correlation-id"}
