"""The publisher in the part of each provider, against the whole pipeline: what it sent is stored once, and right."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.local.servers import RunningServer
from ops.local.waiting import wait_until
from tests.integration.gateway.webhook_senders import CREDENTIALS
from tests.processes import Process, Services, connections
from tests.streams import delete_streams

SOURCES = {
    "facebook-webhook": "facebook",
    "tiktok-webhook": "tiktok",
    "tiktok-shop": "tiktok",
    "standard-webhooks": "custom",
}


@pytest.fixture
async def no_streams(nats_server: RunningServer) -> None:
    """What earlier tests left in JetStream is gone."""
    await delete_streams(nats_server)


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, database_url: str, no_streams: None
) -> Iterator[Services]:
    urls = connections(nats_server, database_url=database_url)
    with Services(tmp_path, urls | CREDENTIALS) as services:
        yield services


@pytest.mark.parametrize(
    "provider",
    [
        provider if provider.startswith("facebook") else pytest.param(provider, marks=pytest.mark.exhaustive)
        for provider in SOURCES
    ],
)
def test_all_that_a_provider_delivers_is_stored_once_and_right(services: Services, provider: str) -> None:
    gateway = services.gateway(ready=False)
    collector = services.collector(SOURCES[provider], ready=False)
    reporter = services.reporter(ready=False)
    for process in (gateway, collector, reporter):
        process.wait_ready()
    publisher = services.publisher(
        gateway,
        reporter,
        *("--as", provider, "--verify", "--json", "--seed", "7", "--rate", "0", "--count", "1500"),
        *("--malformed-ratio", "0.05", "--duplicate-ratio", "0.05", "--retry-delays", "0"),
    )

    status = publisher.wait(100)

    summary = last_json(publisher)
    assert status == 0, (publisher.tail(), summary["verification"])
    assert summary["unknown"] == 0
    assert summary["rejected"] == summary["corrupted"] > 30
    assert summary["accepted"] + summary["rejected"] == summary["sent"] > 1_400
    assert summary["duplicates"] > 20
    assert summary["verification"]["rows"] > 1_300
    assert set(summary["answers"]) == {"202" if provider == "standard-webhooks" else "200"}


@pytest.mark.slow
@pytest.mark.exhaustive
def test_what_a_gateway_that_was_away_did_not_take_comes_again(services: Services) -> None:
    gateway = services.gateway(ready=False)
    collector, reporter = services.collector("facebook", ready=False), services.reporter(ready=False)
    for process in (gateway, collector, reporter):
        process.wait_ready()
    publisher = services.publisher(
        gateway,
        reporter,
        *("--as", "facebook-webhook", "--verify", "--json", "--rate", "400", "--batch-size", "20"),
        *("--duration", "6", "--retry-delays", "0.2", "--attempts", "100"),
    )
    wait_for_deliveries(gateway)
    gateway.kill()
    gateway.start()

    assert publisher.wait(100) == 0, publisher.tail()

    summary = last_json(publisher)
    assert summary["retries"] > 0
    assert summary["unknown"] == 0
    assert set(summary["answers"]) - {"200"}, "nobody noticed that the gateway was away"


@pytest.mark.exhaustive
def test_a_secret_that_the_gateway_does_not_know_fails_the_check(services: Services) -> None:
    gateway = services.gateway(ready=False, FACEBOOK_APP_SECRETS="another-secret-than-the-publisher-has")
    collector, reporter = services.collector("facebook", ready=False), services.reporter(ready=False)
    for process in (gateway, collector, reporter):
        process.wait_ready()
    publisher = services.publisher(
        gateway,
        reporter,
        *("--as", "facebook-webhook", "--verify", "--json", "--count", "5", "--attempts", "1"),
    )

    assert publisher.wait(60) == 1

    summary = last_json(publisher)
    assert summary["accepted"] == 0
    assert {each["offence"] for each in summary["verification"]["offenders"]} == {"valid, but rejected"}


def wait_for_deliveries(gateway: Process) -> None:
    """Until the gateway has taken some."""

    def problem() -> str | None:
        metrics = httpx.get(f"{gateway.url}/metrics", timeout=10).text
        taken = 'webhook_deliveries_total{outcome="accepted",webhook="facebook"}'
        return None if taken in metrics else "none yet"

    wait_until("deliveries", problem, 30)


def last_json(process: Process) -> dict[str, Any]:
    """The last line of its output that is a JSON object."""
    lines = process.log.read_text().splitlines()
    return json.loads(next(line for line in reversed(lines) if line.startswith("{")))
