"""The whole pipeline as processes: what was POSTed is in the reports, once, and every service tells about it."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest

from ops.local import database
from ops.local.servers import RunningServer
from ops.local.waiting import wait_until
from publisher import Generator, Span
from tests.processes import Process, Services, connections
from tests.streams import delete_streams


class Pipeline:
    """All services, ready."""

    def __init__(self, services: Services, database_url: str, nats_url: str) -> None:
        self.services = services
        self.database_url = database_url
        self.nats_url = nats_url
        self.gateway = services.gateway(ready=False)
        self.collectors = [services.collector(source, ready=False) for source in ("facebook", "tiktok")]
        self.reporter = services.reporter(ready=False, FOLD_INTERVAL_SECONDS="1")
        for process in (self.gateway, *self.collectors, self.reporter):
            process.wait_ready()

    def post(self, events: list[bytes], correlation_id: str = "e2e-1") -> httpx.Response:
        headers = {"Content-Type": "application/json", "X-Correlation-ID": correlation_id}
        body = b"[" + b",".join(events) + b"]"
        return httpx.post(f"{self.gateway.url}/events", content=body, headers=headers, timeout=30)

    def report(self, name: str) -> Any:
        """The answer for all time, so that nobody has to know when the events happened."""
        answer = httpx.get(f"{self.reporter.url}/reports/{name}", params={"from": "2020-01-01"}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reports(self) -> dict[str, Any]:
        return {name: self.report(name) for name in ("events", "revenue", "demographics")}

    def reported(self) -> int:
        """The sum over the events report."""
        return sum(row["count"] for row in self.report("events"))

    def wait_for_events(self, count: int, seconds: float) -> None:
        def problem() -> str | None:
            reported = self.reported()
            return None if reported == count else f"the report shows {reported} events"

        wait_until(f"a report of {count} events", problem, seconds)

    def stored(self) -> tuple[int, int]:
        """Rows, and distinct events among them."""
        sql = "SELECT count(*), count(DISTINCT (source, event_id)) FROM events"
        rows, distinct = database.statement(self.database_url, sql).split("|")
        return int(rows), int(distinct)

    def dead_letters(self) -> list[dict[str, Any]]:
        async def read() -> list[dict[str, Any]]:
            client = await nats.connect(self.nats_url)
            jetstream = client.jetstream()
            state = (await jetstream.stream_info("DEAD_LETTERS")).state
            messages = [await jetstream.get_msg("DEAD_LETTERS", seq=seq + 1) for seq in range(state.messages)]
            await client.close()
            return [letter for message in messages for letter in json.loads(message.data or b"[]")]

        return asyncio.run(read())


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, database_url: str, no_streams: None
) -> Iterator[Services]:
    with Services(tmp_path, connections(nats_server, database_url=database_url)) as services:
        yield services


@pytest.fixture
def no_streams(nats_server: RunningServer) -> None:
    """What earlier tests left in JetStream is gone."""

    asyncio.run(delete_streams(nats_server))


@pytest.fixture
def pipeline(services: Services, database_url: str, nats_server: RunningServer) -> Pipeline:
    return Pipeline(services, database_url, nats_server.url)


def make_events(count: int, seed: int = 1) -> list[bytes]:
    return Generator(seed).batch(count, Span(time.time_ns())).raws


def test_one_corrupted_event_among_25000_is_told_and_kept_and_all_others_are_reported_once(
    pipeline: Pipeline,
) -> None:
    *good, last = make_events(25_000)
    bad = last.replace(b'"funnelStage":"', b'"funnelStage":"invalid-')
    bad_id = json.loads(bad)["eventId"]

    answer = pipeline.post([*good, bad], "post-1")

    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (24_999, 1)
    [error] = told["errors"]
    assert (error["index"], error["eventId"], error["reason"]) == (24_999, bad_id, "schema_violation")
    assert error["path"].startswith("$")
    assert "invalid-" in error["detail"]
    pipeline.wait_for_events(24_999, 10)
    assert pipeline.stored() == (24_999, 24_999)
    before = pipeline.reports()

    again = pipeline.post([*good, bad], "post-2")

    assert (again.status_code, again.json()["accepted"]) == (202, 24_999)

    def repeated() -> str | None:
        duplicates = sum(get(collector, "/stats")["duplicates"] for collector in pipeline.collectors)
        return None if duplicates == 24_999 else f"{duplicates} duplicates were counted"

    wait_until("the second POST", repeated, 20)
    assert pipeline.stored() == (24_999, 24_999)
    assert pipeline.reports() == before

    letters = pipeline.dead_letters()
    assert [letter["correlation_id"] for letter in letters] == ["post-1", "post-2"]
    assert {letter["rejection"]["reason"] for letter in letters} == {"schema_violation"}
    assert {letter["stage"] for letter in letters} == {"gateway"}


@pytest.mark.slow
def test_a_mixed_run_of_the_publisher_verifies(pipeline: Pipeline) -> None:
    publisher = pipeline.services.publisher(
        pipeline.gateway,
        pipeline.reporter,
        *("--verify", "--json", "--seed", "7", "--rate", "2500", "--batch-size", "200", "--duration", "12"),
        *("--malformed-ratio", "0.4", "--duplicate-ratio", "0.05"),
        *("--out-of-order", "0.1", "--spread", "86400", "--returning-users", "0.3", "--user-pool", "500"),
    )

    status = publisher.wait(100)

    summary = last_json(publisher)
    assert status == 0, publisher.tail()
    assert summary["verification"]["reports_compared"], summary["verification"]["note"]
    assert summary["accepted"] > 25_000
    assert summary["corrupted"] > 20
    assert summary["rejected"] > 10
    assert summary["duplicates"] > 500
    assert summary["unknown"] == 0


@pytest.mark.exhaustive
def test_three_collectors_of_one_source_share_the_work_without_loss_or_duplicates(pipeline: Pipeline) -> None:
    facebook = [pipeline.collectors[0], *(pipeline.services.collector("facebook") for _ in range(2))]
    events = make_events(30_000)
    of_facebook = sum(b'"source":"facebook"' in event for event in events)

    for at in range(0, 30_000, 3_000):
        assert pipeline.post(events[max(0, at - 500) : at + 3_000]).status_code == 202

    pipeline.wait_for_events(30_000, 30)
    assert pipeline.stored() == (30_000, 30_000)
    stats = [get(collector, "/stats") for collector in facebook]
    assert sum(each["stored"] for each in stats) == of_facebook
    assert all(each["delivered"] for each in stats), "one of them got nothing to do"
    assert [each["retries"] for each in stats] == [0, 0, 0]


@pytest.mark.exhaustive
def test_events_of_any_age_are_stored_and_reported(pipeline: Pipeline) -> None:
    moments = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "2024-02-29T12:00:00-12:00",
    ]
    now = datetime.now(UTC)
    moments += [(now + timedelta(hours=hours)).isoformat() for hours in (-24, 0, 23)]
    events = [
        re.sub(rb'"timestamp":"[^"]*"', b'"timestamp":"%b"' % moment.encode(), event)
        for moment, event in zip(moments, make_events(len(moments)), strict=True)
    ]

    answer = pipeline.post(events)

    assert answer.json()["accepted"] == len(events)
    wait_until("all rows", lambda: None if pipeline.stored()[0] == len(events) else "not yet", 10)
    wait_until("their fold", lambda: None if folded(pipeline) else "not yet", 40)
    for name in ("events", "revenue", "demographics"):
        answer = httpx.get(f"{pipeline.reporter.url}/reports/{name}", timeout=30)
        assert answer.status_code == 200, answer.text
    pipeline.reporter.wait_ready(5)


def folded(pipeline: Pipeline) -> bool:
    """Whether the reporter has taken all events into its audiences."""
    sql = "SELECT count(*) FROM audience_segments WHERE NOT folded"
    return database.statement(pipeline.database_url, sql) == "0"


def test_every_service_tells_how_it_is_doing(pipeline: Pipeline) -> None:
    began = datetime.now(UTC)
    events = make_events(500)
    pipeline.post([*events, b"{}"])
    pipeline.post(events)
    pipeline.wait_for_events(500, 10)
    facebook = pipeline.collectors[0]
    of_facebook = sum(b'"source":"facebook"' in event for event in events)

    def both_are_stored() -> str | None:
        stats = get(facebook, "/stats")
        return None if stats["duplicates"] == of_facebook else str(stats)

    wait_until("the second POST", both_are_stored, 10)
    stats = get(facebook, "/stats")
    assert (stats["stored"], stats["delivered"], stats["dead_lettered"]) == (of_facebook, 2 * of_facebook, 0)
    assert datetime.fromisoformat(stats["last_batch"]["at"]) > began
    wait_until("an empty lag", lambda: None if get(facebook, "/lag")["batches"] == 0 else "not empty", 5)
    lag = get(facebook, "/lag")
    assert (lag["consumer"], lag["events"], lag["seconds"]) == ("facebook-collector", 0, 0)

    gateway = metrics(pipeline.gateway)
    labels = 'service="gateway",source="facebook"'
    assert gateway[f"events_accepted_total{{{labels}}}"] == 2 * of_facebook
    assert gateway[f"events_processed_total{{{labels}}}"] == 2 * of_facebook
    assert (
        gateway['events_failed_total{error_type="schema_violation",service="gateway",source="unknown"}'] == 1
    )
    assert gateway['dead_letters_total{reason="schema_violation",source="unknown"}'] == 1

    collector = metrics(facebook)
    labels = 'service="facebook-collector",source="facebook"'
    assert collector[f"events_accepted_total{{{labels}}}"] == 2 * of_facebook
    assert collector[f"events_processed_total{{{labels}}}"] == of_facebook
    assert collector[f"events_duplicate_total{{{labels}}}"] == of_facebook
    assert collector[f"event_processing_duration_seconds_count{{{labels}}}"] >= 1
    assert collector['event_end_to_end_seconds_count{source="facebook"}'] >= 2
    assert collector['consumer_lag_events{source="facebook"}'] == 0
    assert collector['consumer_lag_seconds{source="facebook"}'] < 2

    reporter = metrics(pipeline.reporter)
    assert any(name.startswith("report_duration_seconds_count{") for name in reporter)
    for service, figures in {
        "gateway": gateway,
        "facebook-collector": collector,
        "reporter": reporter,
    }.items():
        assert figures[f'service_uptime_seconds{{service="{service}"}}'] > 0
        assert any(name.startswith("http_request_duration_seconds_count{") for name in figures)


def get(process: Process, path: str) -> Any:
    return httpx.get(f"{process.url}{path}", timeout=10).json()


def metrics(process: Process) -> dict[str, float]:
    """The values by name, labels in alphabetical order as `name{a="x",b="y"}`."""
    values: dict[str, float] = {}
    for line in httpx.get(f"{process.url}/metrics", timeout=10).text.splitlines():
        if line.startswith("#"):
            continue
        series, _, value = line.partition(" # ")[0].rpartition(" ")
        name, _, labels = series.partition("{")
        ordered = ",".join(sorted(labels.rstrip("}").split(",")))
        values[f"{name}{{{ordered}}}" if ordered else name] = float(value)
    return values


def last_json(process: Process) -> dict[str, Any]:
    """The last line of its output that is a JSON object."""
    lines = process.log.read_text().splitlines()
    return json.loads(next(line for line in reversed(lines) if line.startswith("{")))
