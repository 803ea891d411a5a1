"""The service as an operator runs it: killed in the middle of an attack, started twice, told by a real receiver."""

import asyncio
import base64
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from ops.local.servers import RunningServer
from tests.integration.alerts.conftest import System
from tests.integration.alerts.crowds import PEOPLE, action, like
from tests.integration.alerts.receivers import WebReceiver, web_receiver
from tests.processes import Services, connections, eventually

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, surely").decode()


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def services(
    tmp_path: Path,
    nats_server: RunningServer,
    postgres_server: RunningServer,
    database_url: str,
    web: WebReceiver,
) -> Iterator[Services]:
    settings = connections(nats_server, postgres_server, database_url=database_url) | {
        "ALERT_WEBHOOK_URL": web.url,
        "ALERT_WEBHOOK_SECRET": SECRET,
        "ALERT_INTERVAL_SECONDS": "0.1",
        "ALERT_LEASE_SECONDS": "1",
    }
    with Services(tmp_path, settings) as services:
        yield services


@pytest.mark.exhaustive
async def test_an_attack_on_a_service_that_is_killed_meanwhile_is_told_once(
    system: System, services: Services, web: WebReceiver
) -> None:
    now = datetime.now(UTC)
    rng = random.Random(3)
    await system.store([action("follow", user, now - timedelta(days=2), targetUserId="x") for user in PEOPLE])
    await system.store(
        [
            like(user, f"usual-{rng.randrange(30)}", now - timedelta(seconds=rng.randrange(9000)))
            for user in PEOPLE
        ]
    )
    first, second = services.alerts(), services.alerts()

    async def nothing_waits() -> None:
        assert await system.look.fetchval("SELECT count(*) FROM alert_facts") == 0

    for number in range(12):
        bots = [f"bot-{number}-{each}" for each in range(20)]
        await system.store([like(bot, "p-1", datetime.now(UTC)) for bot in bots])
        if number == 2:
            first.kill()
        if number == 6:
            second.kill()
            first.start()
        if number == 8:
            second.start()
    await eventually(nothing_waits)

    async def told() -> None:
        waiting = await system.look.fetchval("SELECT count(*) FROM alert_deliveries WHERE status = 'waiting'")
        assert waiting == 0
        assert web.posted

    await eventually(told)
    contents = [Webhook(SECRET).verify(posted.body, dict(posted.headers)) for posted in web.posted]
    assert [
        (c["type"], c["data"]["kind"], c["data"]["subject"]) for c in contents if c["data"]["kind"] == "FRAUD"
    ] == [("alert.opened", "FRAUD", "p-1")]
    assert len(await system.alerts()) == 1


@pytest.mark.exhaustive
async def test_one_of_several_evaluates_and_tells_so(services: Services) -> None:
    processes = [services.alerts() for _ in range(2)]

    async def one_holds() -> None:
        async with httpx.AsyncClient() as client:
            texts = [(await client.get(f"{process.url}/metrics")).text for process in processes]
        assert sorted("\nalert_evaluator 1.0" in text for text in texts) == [False, True]

    await eventually(one_holds)


async def test_wrong_rules_stop_the_start_with_their_name(services: Services, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    await asyncio.to_thread(rules.write_text, '[[rule]]\nname = "likes"\nkind = "milestone"\nsteps = []\n')

    process = services.alerts(ready=False, ALERT_RULES_FILE=str(rules))

    assert process.wait() == 2
    assert "ALERT_RULES_FILE" in process.tail()
    assert "rule 'likes': steps: Expected `array` of length >= 1" in process.tail()
