"""Canaries through the real processes: they come through, show where the way is blocked, and count for nothing."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import nats
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ops.local import database, servers
from ops.local.running import RunningServer
from ops.local.waiting import wait_until
from tests.processes import Process, Services, connections, pause
from tests.servers import FAST_AND_UNSAFE
from tests.unit.builders import changed, good_event

pytestmark = pytest.mark.exhaustive

SOURCES = ("facebook", "social")
SETTINGS = {
    "CANARY_KEYS": "new-canary-key,old-canary-key",
    "INGEST_API_KEYS": "ingest-key",
    "RETRY_MAX_SECONDS": "0.3",
    "NATS_REQUEST_TIMEOUT_SECONDS": "1.0",
}
REPORTER = {
    "CANARY_INTERVAL_SECONDS": "0.3",
    "CANARY_STALE_SECONDS": "3",
    "CANARY_SOURCES": ",".join(SOURCES),
    "PROBE_INTERVAL_SECONDS": "0.5",
    "DATABASE_STATEMENT_TIMEOUT_SECONDS": "1",
    "REPORT_STATEMENT_TIMEOUT_SECONDS": "1",
    "DATABASE_CONNECT_TIMEOUT_SECONDS": "1",
}
WAIT_SECONDS = 40.0

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(process: Process) -> Samples:
    """Everything that a scrape shows."""
    text = httpx.get(f"{process.url}/metrics", timeout=10).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(process: Process, name: str, **labels: str) -> float:
    return samples(process).get((name, tuple(sorted(labels.items()))), 0.0)


def counted_events(process: Process) -> dict[Any, float]:
    """What says of events, anywhere in a scrape, and is not 0."""
    events = ("events_", "event_", "dead_letters_", "live_updates_applied", "notifications_", "batches_")
    return {
        key: figure
        for key, figure in samples(process).items()
        if key[0].startswith(events) and figure and not key[0].endswith("_created")
    }


@dataclass(frozen=True)
class Stage:
    """Servers and services that a test may break and must mend."""

    nats: RunningServer
    postgres: RunningServer
    services: Services
    gateway: Process
    facebook: Process
    social: Process
    reporter: Process

    def sql(self, statement: str) -> str:
        return database.statement(self.postgres.url, statement)

    def ready(self, reporter: Process | None = None) -> dict[str, Any]:
        """The reporter's readiness."""
        return httpx.get(f"{(reporter or self.reporter).url}/health/ready", timeout=10).json()

    def canary(self) -> tuple[bool, str]:
        """What its check of the canaries says."""
        check = next(each for each in self.ready()["checks"] if each["name"] == "canary")
        assert check["optional"]
        return check["ready"], check["detail"]

    def age(self, source: str) -> float:
        return value(self.reporter, "pipeline_canary_age_seconds", source=source)

    def wait_found(self, more: int, reporter: Process | None = None) -> None:
        """Until so many more have come through to each source."""
        reporter = reporter or self.reporter

        def found() -> dict[str, float]:
            return {
                source: value(reporter, "pipeline_canaries_total", source=source, outcome="found")
                for source in SOURCES
            }

        before = found()

        def problem() -> str | None:
            now = found()
            missing = {source: now[source] for source in SOURCES if now[source] < before[source] + more}
            return f"found: {missing}" if missing else None

        wait_until("canaries", problem, WAIT_SECONDS)

    def wait_until_ready(self) -> None:
        def problem() -> str | None:
            answer = self.ready()
            return None if answer["status"] == "ready" else str(answer)

        wait_until("a reporter that is ready", problem, WAIT_SECONDS)

    def wait_late(self, *words: str) -> str:
        """Until the check fails, and says all this."""
        told: list[str] = []

        def problem() -> str | None:
            ready, detail = self.canary()
            told[:] = [detail]
            return detail if ready or not all(word in detail for word in words) else None

        wait_until("canaries that are late", problem, WAIT_SECONDS)
        return told[0]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, redis_server: RunningServer) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("canary")
    with (
        servers.running(servers.nats(folder)) as nats_server,
        servers.running(servers.postgres(folder, settings=FAST_AND_UNSAFE)) as postgres,
    ):
        database.ensure(postgres.url)
        database.migrate(postgres.url)
        with Services(folder, {**connections(nats_server, postgres, redis_server), **SETTINGS}) as services:
            gateway = services.gateway(ready=False)
            facebook = services.collector("facebook", ready=False)
            social = services.collector("social", ready=False)
            gateway.wait_ready()
            monitor = {"NATS_MONITOR_URL": nats_server.server.monitor_url}
            reporter = services.reporter(ready=True, GATEWAY_URL=gateway.url, **REPORTER, **monitor)
            for process in (facebook, social):
                process.wait_ready()
            yield Stage(nats_server, postgres, services, gateway, facebook, social, reporter)


@pytest.fixture(autouse=True)
def mended(stage: Stage) -> None:
    """Every test begins with canaries that come through."""
    stage.wait_found(2)
    stage.wait_until_ready()


# Rows that came and went have left their mark in the sequences.
_EVERYTHING = """
SELECT (SELECT count(*) FROM event_ledger), (SELECT count(*) FROM events), (SELECT count(*) FROM event_rollups),
       (SELECT count(*) FROM social_posts), (SELECT count(*) FROM social_likes), (SELECT count(*) FROM social_users),
       (SELECT count(*) FROM social_post_days), (SELECT count(*) FROM social_like_minutes),
       (SELECT string_agg(sequencename || ' ' || coalesce(last_value, 0), ', ' ORDER BY 1) FROM pg_sequences)
"""


def stream_messages(stage: Stage) -> dict[str, tuple[int, int]]:
    """By stream, the messages in it, and those that ever were."""

    async def read() -> dict[str, tuple[int, int]]:
        client = await nats.connect(stage.nats.url)
        infos = await client.jetstream().streams_info()
        await client.close()
        return {info.config.name or "": (info.state.messages, info.state.last_seq) for info in infos}

    return asyncio.run(read())


def everything(stage: Stage) -> dict[str, Any]:
    """All that is told of events anywhere."""
    collectors = (stage.facebook, stage.social)
    streams = stream_messages(stage)
    reports = {
        report: httpx.get(
            f"{stage.reporter.url}/reports/{report}", params={"from": "2020-01-01"}, timeout=10
        ).json()
        for report in ("events", "revenue", "demographics")
    }
    return {
        "tables": stage.sql(_EVERYTHING),
        "metrics": [counted_events(each) for each in (stage.gateway, *collectors, stage.reporter)],
        "stats": [httpx.get(f"{each.url}/stats", timeout=10).json() for each in collectors],
        "streams": (streams["DEAD_LETTERS"], streams["NOTIFICATIONS"]),
        "reports": reports,
    }


def test_canaries_come_through_and_count_for_nothing(stage: Stage) -> None:
    before, sent = everything(stage), stream_messages(stage)["EVENTS"][1]

    stage.wait_found(5)

    assert everything(stage) == before
    assert stream_messages(stage)["EVENTS"][1] >= sent + 5 * len(SOURCES)
    assert all(stage.age(source) < 3 for source in SOURCES)
    ready, detail = stage.canary()
    assert ready
    assert detail.startswith("facebook ")


def test_events_beside_them_are_counted_as_if_there_were_none(stage: Stage) -> None:
    def counts() -> list[float]:
        labels = {"service": "facebook-collector", "source": "facebook"}
        return [
            value(stage.gateway, "events_accepted_total", service="gateway", source="facebook"),
            value(stage.facebook, "events_accepted_total", **labels),
            value(stage.facebook, "events_processed_total", **labels),
            value(stage.facebook, "event_end_to_end_seconds_count", source="facebook"),
            float(stage.sql("SELECT count(*) FROM event_ledger")),
        ]

    stage.wait_found(1)
    before = counts()
    events = [good_event(eventId=f"beside-{number}") for number in range(6)]
    body = [changed(events[0], "$.data.user.age", 151), *events[1:]]

    key = {"X-Api-Key": "ingest-key"}
    answer = httpx.post(f"{stage.gateway.url}/events", json=body, headers=key, timeout=10)
    assert answer.json()["accepted"] == 5
    stage.wait_found(2)

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [5, 5, 5, 1, 5]


def test_the_doors_keys_are_kept_apart(stage: Stage) -> None:
    canary = {"source": "facebook", "sender": "f" * 16, "number": 1}

    def post(door: str, body: Any, key: str) -> int:
        headers = {"X-Api-Key": key}
        return httpx.post(f"{stage.gateway.url}/{door}", json=body, headers=headers, timeout=10).status_code

    assert post("canaries", canary, "ingest-key") == 401
    assert post("events", good_event(), "new-canary-key") == 401
    assert post("canaries", canary, "old-canary-key") == 202


def test_a_collector_that_hangs_is_told_by_the_age_of_its_canary_alone(stage: Stage) -> None:
    stage.facebook.pause()
    try:
        detail = stage.wait_late("facebook", "accepted by the gateway, and not stored yet")
        assert "social" not in detail
        assert stage.ready()["status"] == "degraded"
        assert stage.ready()["ready"] is True
        assert stage.age("facebook") > 3 > stage.age("social")
    finally:
        stage.facebook.resume()

    stage.wait_found(2)
    stage.wait_until_ready()
    assert stage.age("facebook") < 3


def test_a_collector_that_is_killed_stores_what_waited_after_its_start(stage: Stage) -> None:
    stage.facebook.kill()
    stage.wait_late("facebook")
    waiting = stream_messages(stage)["EVENTS"][0]
    assert 0 < waiting < 30  # one every 0.3 s at first, and fewer and fewer

    stage.facebook.start()

    stage.wait_found(2)
    stage.wait_until_ready()
    assert counted_events(stage.facebook) == {} or set(counted_events(stage.facebook)) <= {
        ("batches_redelivered_total", (("service", "facebook-collector"), ("source", "facebook")))
    }


def test_while_postgres_hangs_the_age_grows_and_scrapes_answer(stage: Stage) -> None:
    pause(stage.postgres)
    try:
        stage.wait_late("facebook", "social")
        assert stage.ready()["status"] == "not ready"  # there are no reports without Postgres
        first = stage.age("facebook")
        wait_until("pg_up", lambda: None if not value(stage.reporter, "pg_up") else "is up", WAIT_SECONDS)
        assert value(stage.reporter, "probe_up", probe="postgres") == 0
        assert value(stage.reporter, "probe_up", probe="nats") == 1
        assert stage.age("facebook") > first > 3
    finally:
        stage.postgres.resume()

    stage.wait_found(2)
    stage.wait_until_ready()
    wait_until("pg_up", lambda: None if value(stage.reporter, "pg_up") else "is down", WAIT_SECONDS)


def test_a_gateway_that_is_away_is_named(stage: Stage) -> None:
    stage.gateway.kill()
    stage.wait_late("facebook", "social", "the gateway does not answer")

    stage.gateway.start()

    stage.wait_found(2)
    stage.wait_until_ready()


def test_jetstream_that_hangs_is_named_by_the_gateway(stage: Stage) -> None:
    stage.nats.pause()
    try:
        stage.wait_late("facebook", "the gateway answers 503")
        name, labels = "nats_up", {"server_id": stage.nats.server.monitor_url}
        wait_until(name, lambda: "is up" if value(stage.reporter, name, **labels) else None, WAIT_SECONDS)
    finally:
        stage.nats.resume()

    stage.wait_found(2)
    stage.wait_until_ready()


def test_several_reporters_send_canaries_of_their_own(stage: Stage) -> None:
    known = {**REPORTER, "GATEWAY_URL": stage.gateway.url}
    others = [stage.services.reporter(ready=True, **known) for _ in range(2)]
    try:
        for reporter in (stage.reporter, *others):
            stage.wait_found(3, reporter)
            assert stage.ready(reporter)["status"] == "ready"
        senders = stage.sql("SELECT DISTINCT sender FROM pipeline_canaries WHERE number > 1").splitlines()
        assert len(senders) == 3
    finally:
        for reporter in others:
            reporter.terminate()
        for reporter in others:
            assert reporter.wait() == 0


def test_a_poison_event_between_them_does_not_keep_them(stage: Stage) -> None:
    """Postgres refuses a batch for one event of it; what comes with it and behind it comes through all the same."""
    stage.sql("ALTER TABLE events ADD CONSTRAINT no_poison CHECK (event_id <> 'poison') NOT VALID")
    before = stream_messages(stage)["DEAD_LETTERS"][1]
    try:
        events = [good_event(eventId=event_id) for event_id in ("fine-1", "poison", "fine-2")]
        key = {"X-Api-Key": "ingest-key"}
        answer = httpx.post(f"{stage.gateway.url}/events", json=events, headers=key, timeout=10)
        assert answer.json()["accepted"] == 3

        stage.wait_found(3)

        assert stream_messages(stage)["DEAD_LETTERS"][1] == before + 1
        stored = stage.sql(
            "SELECT event_id FROM events WHERE event_id IN ('fine-1', 'fine-2', 'poison') ORDER BY 1"
        )
        assert stored.splitlines() == ["fine-1", "fine-2"]
    finally:
        stage.sql("ALTER TABLE events DROP CONSTRAINT no_poison")


def test_what_another_program_publishes_as_canaries_is_kept_and_keeps_nobody(stage: Stage) -> None:
    async def publish() -> None:
        client = await nats.connect(stage.nats.url)
        headers = {"Sluice-Format": "canary", "Sluice-Received-At": "2026-05-14T12:00:00+00:00"}
        await client.jetstream().publish("events.facebook", b'[{"sender":"x","number":1}]', headers=headers)
        await client.close()

    before = stream_messages(stage)["DEAD_LETTERS"][1]
    asyncio.run(publish())

    stage.wait_found(2)
    stage.wait_until_ready()
    assert stream_messages(stage)["DEAD_LETTERS"][1] == before + 1
    assert stage.sql("SELECT count(*) FROM pipeline_canaries WHERE sender = 'x'") == "0"
