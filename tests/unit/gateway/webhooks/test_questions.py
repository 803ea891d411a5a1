"""What is asked before the first delivery: the handshake of a provider, the permission of a CloudEvents sender."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.webhooks.settings import WebhookSettings
from tests.unit.gateway.fakes import RecordingPublisher
from tests.unit.gateway.webhooks.made_up import TOKEN, AcmeCredentials, Sender, acme_app, sender_to

PATH = "/webhooks/acme"


@pytest.mark.parametrize(
    ("challenge", "exact"),
    [("1158201444", "1158201444"), ("a%2Bb%20%3Cx%3E", "a+b <x>"), ("a+b", "a b"), ("%C3%A4", "ä")],
)
async def test_the_challenge_is_answered_as_it_came(sender: Sender, challenge: str, exact: str) -> None:
    answer = await sender.client.get(f"{PATH}?token={TOKEN}&challenge={challenge}")

    assert (answer.status_code, answer.text) == (200, exact)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("token=wrong&challenge=1", 403),
        ("challenge=1", 403),
        ("", 403),
        (f"token=wrong&token={TOKEN}&challenge=1", 403),
        (f"token={TOKEN}&token={TOKEN}&challenge=1", 403),
        (f"token={TOKEN}&challenge=1&challenge=2", 403),
        (f"token={TOKEN}&challenge=%FF", 403),
        ("&".join(f"p{number}=1" for number in range(100)), 403),
        (f"token={TOKEN}", 400),
        (f"token={TOKEN}&challenge=", 400),
    ],
)
async def test_any_other_question_is_refused(sender: Sender, query: str, status: int) -> None:
    answer = await sender.client.get(f"{PATH}?{query}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", [f"token={TOKEN}&challenge=17", f"token={TOKEN}x&challenge=17"])
async def test_the_token_goes_nowhere(sender: Sender, query: str) -> None:
    with capture_logs() as logs:
        answer = await sender.client.get(f"{PATH}?{query}")
    metrics = (await sender.client.get("/metrics")).text

    assert TOKEN not in f"{logs}{answer.text}{dict(answer.headers)}{metrics}"


async def test_a_flood_of_wrong_tokens_moves_one_counter_and_hardly_the_log(sender: Sender) -> None:
    with capture_logs() as logs:
        for _ in range(200):
            await sender.client.get(f"{PATH}?token=guess&challenge=1")

    assert await sender.counters() == {'webhook_refusals_total{reason="forbidden",webhook="acme"}': 200}
    assert [line["event"] for line in logs] == ["webhook_requests_refused"]


@pytest.mark.parametrize(
    ("credentials", "status"), [(AcmeCredentials(), 503), (AcmeCredentials(acme_token=TOKEN), 200)]
)
async def test_a_handshake_needs_its_token_and_not_yet_the_secret(
    monkeypatch: pytest.MonkeyPatch,
    publisher: RecordingPublisher,
    credentials: AcmeCredentials,
    status: int,
) -> None:
    app = acme_app(monkeypatch, publisher, credentials=credentials)
    async with sender_to(app) as sender:
        answer = await sender.client.get(f"{PATH}?token={TOKEN}&challenge=1")
    assert answer.status_code == status


@pytest.mark.parametrize(("per_second", "told"), [(1000.0, "60000"), (0.0, "*")])
async def test_a_known_sender_may_deliver(
    monkeypatch: pytest.MonkeyPatch, publisher: RecordingPublisher, per_second: float, told: str
) -> None:
    app = acme_app(monkeypatch, publisher, webhooks=WebhookSettings(webhook_rate_per_second=per_second))
    async with sender_to(app) as sender:
        answer = await ask(sender, "bob", {"WebHook-Request-Origin": "events.example.com"})

    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "events.example.com"
    assert answer.headers["webhook-allowed-rate"] == told
    assert "POST" in answer.headers["allow"]


async def test_nobody_else_may_and_an_origin_is_a_name(sender: Sender) -> None:
    origin = {"WebHook-Request-Origin": "events.example.com"}
    assert (await ask(sender, "nobody", origin)).status_code == 404
    assert (await ask(sender, "bob", {"WebHook-Request-Origin": "a b, c"})).status_code == 400
    assert (await ask(sender, "bob", {})).status_code == 204


async def test_the_api_page_shows_the_doors(sender: Sender) -> None:
    paths = (await sender.client.get("/api/openapi.json")).json()["paths"]

    assert set(paths["/webhooks/acme"]) == {"get", "post"}
    assert set(paths["/webhooks/acme-shop"]) == {"post"}
    assert {"post", "options"} <= set(paths["/webhooks/{sender}"])


async def ask(sender: Sender, name: str, headers: dict[str, str]) -> Any:
    return await sender.client.options(f"/webhooks/{name}", headers=headers)
