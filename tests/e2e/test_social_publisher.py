"""The publisher as a society, against the whole pipeline: all of it is stored once, the posts' figures are true, and
bots that like a post are noticed, while nobody else is."""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.local.servers import RunningServer
from ops.local.waiting import wait_until
from tests.processes import Process, Services, connections
from tests.streams import delete_streams

SECRET = secrets.token_hex(32)

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow, pytest.mark.timeout(300)]


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
) -> Iterator[Services]:
    urls = connections(nats_server, redis_server, database_url=database_url)
    with Services(tmp_path, urls | {"JWT_SECRET": SECRET}) as services:
        yield services


def started(services: Services, **gateway_settings: str) -> tuple[Process, Process]:
    """Gateway and reporter of a system in which actions are stored and judged."""
    gateway = services.gateway(ready=False, **gateway_settings)
    reporter = services.reporter(ready=False)
    others = (
        services.collector("social", ready=False),
        services.alerts(ready=False, ALERT_INTERVAL_SECONDS="0.2"),
    )
    for process in (gateway, reporter, *others):
        process.wait_ready()
    return gateway, reporter


def test_people_raise_no_alarm_and_bots_exactly_one(services: Services) -> None:
    gateway, reporter = started(services)
    people = services.publisher(
        gateway,
        reporter,
        *("--as", "social", "--verify", "--json", "--seed", "7", "--rate", "0", "--count", "3000"),
        *("--batch-size", "50", "--malformed-ratio", "0.02", "--duplicate-ratio", "0.1"),
    )

    assert people.wait(100) == 0, people.tail()

    summary = last_json(people)
    assert summary["verification"]["reports_compared"]
    assert summary["verification"]["rows"] == summary["accepted"] > 4_000
    assert summary["rejected"] == summary["corrupted"] > 30
    assert summary["unknown"] == 0
    assert summary["duplicates"] > 20
    # The evaluator tells milestones of likes after it has judged them.
    wait_for_milestone(reporter)
    assert {alert["kind"] for alert in alerts(reporter)} == {"MILESTONE"}

    bots = services.publisher(
        gateway,
        reporter,
        *("--as", "social", "--verify", "--json", "--seed", "8", "--rate", "300", "--duration", "4"),
        *("--bot-attack", "--bots", "150", "--attack-seconds", "3", "--alert-timeout", "30"),
    )

    assert bots.wait(100) == 0, bots.tail()

    summary = last_json(bots)
    assert summary["attack"]["seconds"] < 30
    [alert] = alerts(reporter, kind="FRAUD")
    assert alert["subject"] == summary["attack"]["post"]


def test_where_the_proxy_is_trusted_everybody_has_an_address_and_a_token(services: Services) -> None:
    gateway, reporter = started(services, TRUSTED_PROXIES="127.0.0.1")
    publisher = services.publisher(
        gateway,
        reporter,
        *("--as", "social", "--forwarded-for", "--verify", "--json", "--seed", "9", "--users", "200"),
        *("--rate", "400", "--duration", "4", "--bot-attack", "--bots", "150", "--attack-seconds", "3"),
    )

    assert publisher.wait(100) == 0, publisher.tail()

    summary = last_json(publisher)
    [by_backend] = re.findall(r"(\d+) requests of users went by the back end", publisher.log.read_text())
    assert summary["accepted"] - int(by_backend) > 2_000, "one address may only send a hundred"
    assert [alert["subject"] for alert in alerts(reporter, kind="FRAUD")] == [summary["attack"]["post"]]


def test_an_attack_that_nobody_notices_fails_the_run(services: Services) -> None:
    gateway, collector = services.gateway(ready=False), services.collector("social", ready=False)
    reporter = services.reporter(ready=False)
    for process in (gateway, collector, reporter):
        process.wait_ready()
    publisher = services.publisher(
        gateway,
        reporter,
        *("--as", "social", "--json", "--rate", "0", "--count", "100", "--users", "50"),
        *("--bot-attack", "--bots", "60", "--attack-seconds", "0.1", "--alert-timeout", "0.5"),
    )

    assert publisher.wait(60) == 1, publisher.tail()

    assert last_json(publisher)["attack"]["alerts"] == 0
    assert "NOT CAUGHT: no FRAUD alert" in publisher.log.read_text()


def test_a_secret_that_is_not_the_gateways_ends_the_run_with_its_name(services: Services) -> None:
    gateway = services.gateway(JWT_SECRET=secrets.token_hex(32))
    publisher = services.publisher(gateway, gateway, "--as", "social", "--count", "10")

    assert publisher.wait(60) == 2

    last = publisher.log.read_text().splitlines()[-1]
    assert last.startswith("publisher: JWT_SECRET: the gateway does not accept what it signs")


def wait_for_milestone(reporter: Process) -> None:
    """Until a post has its hundredth like."""
    wait_until("a milestone", lambda: None if alerts(reporter, kind="MILESTONE") else "none yet", 30)


def alerts(reporter: Process, **filters: str) -> list[dict[str, Any]]:
    return httpx.get(f"{reporter.url}/alerts", params=filters, timeout=10).raise_for_status().json()


def last_json(process: Process) -> dict[str, Any]:
    """The last line of its output that is a JSON object."""
    lines = process.log.read_text().splitlines()
    return json.loads(next(line for line in reversed(lines) if line.startswith("{")))
