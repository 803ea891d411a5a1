"""All programs of ours as processes, each with its own certificate, role and user: everything goes its way."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from collectors.registry import SOURCES
from pipeline.chassis.settings import load_settings
from pipeline.events.batch import RecordBatch
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from tests.integration.console.conftest import Answer, run
from tests.integration.notifications.clients import SECRET, open_client, token
from tests.integration.production.servers import Nats, Postgres, Redis
from tests.processes import Process, Services, eventually
from tests.unit.builders import as_json, good_event

OPERATOR = "an-operators-key-of-this-test"
SENDER = "a-senders-secret-of-this-test"
LIKES = 110
DENIED = re.compile(
    r"not_permitted|permission denied|noperm|permissions violation|42501|no permissions", re.IGNORECASE
)

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow, pytest.mark.timeout(300)]


class Production:
    """Where everything is, and what each program is told."""

    def __init__(self, nats: Nats, postgres: Postgres, redis: Redis) -> None:
        self._nats, self._postgres, self._redis = nats, postgres, redis

    def settings(self, name: str, role: str = "", user: str = "") -> dict[str, str]:
        """Of a program: its certificate by name, its role in Postgres, its user of Redis."""
        return {
            **self._nats.settings(name),
            **({"DATABASE_URL": self._postgres.url(role)} if role else {}),
            **(self._redis.settings(user) if user else {}),
        }

    def reporter(self) -> dict[str, str]:
        """It has no certificate: it never touches the stream."""
        return {"DATABASE_URL": self._postgres.url("reporter"), "FOLD_INTERVAL_SECONDS": "1"}

    def operator(self, *arguments: str, name: str = "console") -> Answer:
        """`./sluice ARGUMENTS` as an operator of production."""
        return run(self.settings(name, "console", "console"), *arguments)


@pytest.fixture
def production(streams: Nats, postgres: Postgres, redis: Redis) -> Production:
    return Production(streams, postgres, redis)


@pytest.fixture
def processes(tmp_path: Path, production: Production) -> Iterator[Mapping[str, Process]]:
    """All of them, ready. At the end none has been refused anything."""
    doors = {
        "JWT_SECRET": SECRET,
        "OPERATOR_API_KEYS": OPERATOR,
        "WEBHOOK_SECRETS": f"partner:{SENDER}",
        "RATE_LIMIT_PER_BACKEND": "1000",
    }
    with Services(tmp_path, {}) as services:
        found = {
            "gateway": services.gateway(
                ready=False, **production.settings("gateway", user="gateway"), **doors
            ),
            "alerts": services.alerts(
                ready=False, **production.settings("alerts", "alerts"), ALERT_SOURCES_INTERVAL_SECONDS="1"
            ),
            "reporter": services.reporter(ready=False, **production.reporter()),
        }
        for source in SOURCES:
            settings = production.settings(f"{source}-collector", "collector", "collector")
            found[source] = services.collector(
                source, ready=False, RETENTION_INTERVAL_SECONDS="1", **settings
            )
        for process in found.values():
            process.wait_ready()
        yield found
        refused = {
            name: lines
            for name, process in found.items()
            if (lines := [line for line in process.log.read_text().splitlines() if DENIED.search(line)])
        }
        assert refused == {}


async def test_everything_goes_its_way(
    processes: Mapping[str, Process], production: Production, tmp_path: Path
) -> None:
    gateway = processes["gateway"].url
    owner = await open_client(processes["gateway"], "owner", "alerts:read", topics=("post:p-1", "alerts"))
    async with httpx.AsyncClient(timeout=20) as http:
        await send_one_of_each(http, gateway)
        await publish_what_no_gateway_would(production)

        async def stored() -> None:
            report = await http.get(
                f"{processes['reporter'].url}/reports/events", params={"from": "2020-01-01"}
            )
            sums: dict[str, int] = {}
            for row in report.json():
                sums[row["source"]] = sums.get(row["source"], 0) + row["count"]
            assert sums == {"facebook": 1, "tiktok": 1, "custom": 1, "social": LIKES + 1}

        await eventually(stored, within_seconds=60)
        await owner.until(lambda client: any(n["kind"] == "LIKE" for n in client.notifications))
        await owner.until(lambda client: any(n.get("topic") == "post:p-1" for n in client.notifications))
        await owner.until(lambda client: any(n.get("topic") == "alerts" for n in client.notifications), 30)

        # What was missed is read without a consumer, by another right.
        back = await open_client(processes["gateway"], "owner", since="0")
        await back.until(lambda client: any(n["kind"] == "LIKE" for n in client.notifications))

        await dead_letters_by_the_operators_door(http, gateway)

        async def all_well() -> None:
            for name, process in processes.items():
                answer = (await http.get(f"{process.url}/health/ready")).json()
                assert answer["status"] == "ready", (name, answer)

        await eventually(all_well, within_seconds=20)
    operators_programs(production, tmp_path / "backup")


async def send_one_of_each(http: httpx.AsyncClient, gateway: str) -> None:
    """A good event of every source by its own door, and one that is refused at once."""
    events = [good_event(source="facebook"), good_event(source="tiktok"), {"source": "facebook"}]
    answer = await http.post(f"{gateway}/events", json=events)
    assert answer.json()["accepted"] == 2, answer.text
    answer = await http.post(
        f"{gateway}/webhooks/partner",
        json={"type": "order.created", "id": "o-1", "timestamp": datetime.now(UTC).isoformat()},
        headers={"Authorization": f"Bearer {SENDER}", "Idempotency-Key": "o-1"},
    )
    assert answer.json()["accepted"] == 1, answer.text
    actions: list[dict[str, Any]] = [
        {"id": "a-0", "type": "post", "userId": "owner", "postId": "p-1", "text": "hi"}
    ]
    actions += [
        {"id": f"a-{n}", "type": "like", "userId": f"u-{n}", "postId": "p-1"} for n in range(1, LIKES + 1)
    ]
    headers = {"Authorization": f"Bearer {token('back-end', 'events:write:any')}"}
    answer = await http.post(f"{gateway}/api/events", json=actions, headers=headers)
    assert answer.json()["accepted"] == len(actions), answer.text


async def publish_what_no_gateway_would(production: Production) -> None:
    """A bad event on the stream, which the collector has to keep as a dead letter."""
    settings = load_settings(StreamSettings, production.settings("console"))
    connection = StreamConnection(settings, "console")
    await connection.open()
    batch = RecordBatch(
        "facebook",
        "facebook.event.v1",
        [msgspec.Raw(as_json({"eventId": "bad"}))],
        datetime.now(UTC),
        [("bad", 1)],
    )
    await StreamPublisher(connection).publish_batch(batch)
    await connection.close()


async def dead_letters_by_the_operators_door(http: httpx.AsyncClient, gateway: str) -> None:
    """Counted, listed, tried again, discarded."""
    url, headers = f"{gateway}/operator/dead-letters", {"Authorization": f"Bearer {OPERATOR}"}

    async def both() -> None:
        counts = (await http.get(f"{url}/counts", headers=headers)).json()
        assert counts["total"] == 2, counts

    await eventually(both, within_seconds=20)
    listed = (await http.get(f"{url}/", headers=headers)).json()["letters"]
    shown = await http.get(f"{url}/{listed[0]['id']}", headers=headers)
    assert shown.status_code == 200
    replayed = (await http.post(f"{url}/replay", json={"source": "facebook"}, headers=headers)).json()
    assert sum(replayed["rejected"].values()) == 2, replayed


def operators_programs(production: Production, backup: Path) -> None:
    """What an operator does from the console."""
    listed = production.operator("dead-letters", "list", "--json")
    assert listed.status == 0, listed.text
    discarded = production.operator("dead-letters", "discard", "--source", "facebook", "--yes")
    assert discarded.status == 0, discarded.text
    rebuilt = production.operator("counters", "rebuild")
    assert rebuilt.status == 0, rebuilt.text
    checked = production.operator("counters", "check")
    assert checked.status == 0, checked.text
    saved = production.operator("backup", "--only", "streams", str(backup), name="backup")
    assert saved.status == 0, saved.text
    assert production.operator("backup", "--only", "streams", f"{backup}-2").status != 0, (
        "not with the console's own"
    )
    ensured = production.operator("streams", "ensure", name="topology")
    assert ensured.status == 0, ensured.text
