"""`sluice status` beside real processes, while all is well and while something is down."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from ops.local.binaries import ROOT
from tests.integration.console.conftest import Answer, Stage, environment, run
from tests.processes import eventually

pytestmark = pytest.mark.timeout(180)


async def status(stage: Stage, *arguments: str) -> Answer:
    return await asyncio.to_thread(stage.sluice, "status", *arguments)


def by(rows: list[dict[str, Any]], key: str) -> Mapping[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def problems(answer: Answer) -> list[str]:
    return [each["what"] for each in answer.body["findings"] if each["severity"] == "problem"]


async def is_well(stage: Stage) -> Answer:
    answer = await status(stage, "--json")
    assert problems(answer) == []
    snapshot = answer.body["snapshot"]
    assert by(snapshot["sources"], "source")["facebook"]["batches"] == 0
    assert {service["health"] for service in snapshot["services"]} == {"ready"}
    assert answer.status == 0
    return answer


async def test_all_is_well_and_every_part_is_told(stage: Stage) -> None:
    stage.send(20)

    answer = await eventually(lambda: is_well(stage), within_seconds=60)

    snapshot = answer.body["snapshot"]
    assert answer.body["healthy"] is True
    assert [(server["name"], server["reached"]) for server in snapshot["servers"]] == [
        ("nats", True),
        ("postgres", True),
        ("redis", True),
    ]
    assert [service["name"] for service in snapshot["services"]] == [
        "gateway",
        "facebook-collector",
        "reporter",
    ]
    facebook = by(snapshot["sources"], "source")["facebook"]
    assert (facebook["events"], facebook["oldest_seconds"], facebook["catch_up_seconds"]) == (0, 0, 0)
    assert facebook["accepted_per_second"] == 0
    assert facebook["report_lag_seconds"] < 3
    assert facebook["silent_seconds"] < 3
    streams = by(snapshot["streams"], "name")
    assert streams["EVENTS"]["max_bytes"] == 4 * 1024**3
    assert streams["DEAD_LETTERS"]["exists"] is True


async def test_a_person_sees_one_screen(stage: Stage) -> None:
    async def well() -> Answer:
        answer = await status(stage)
        assert answer.status == 0
        return answer

    answer = await eventually(well, within_seconds=60)

    assert answer.text.splitlines()[0].endswith("all is well")
    assert max(map(len, answer.text.splitlines())) <= 100
    assert "\x1b[" not in answer.text, "colours are for terminals"
    for part in ("facebook-collector", "EVENTS", "accepted/s", "reports lack"):
        assert part in answer.text


@pytest.mark.exhaustive
async def test_the_flow_is_measured_while_it_looks(stage: Stage) -> None:
    async def flows() -> None:
        looking = asyncio.create_task(status(stage, "--json"))
        while not looking.done():
            await asyncio.to_thread(stage.send, 50)
        facebook = by((await looking).body["snapshot"]["sources"], "source")["facebook"]
        assert facebook["accepted_per_second"] > 0
        assert facebook["stored_per_second"] > 0

    await eventually(flows, within_seconds=30)


@pytest.mark.exhaustive
async def test_dead_letters_are_counted_by_source_and_reason(stage: Stage) -> None:
    stage.send(1, bad=3)

    snapshot = (await status(stage, "--json")).body["snapshot"]

    kept = [each for each in snapshot["dead_letters"] if each["source"] == "facebook"]
    assert [(each["reason"], each["letters"]) for each in kept] == [("schema_violation", 3)]


@pytest.mark.exhaustive
async def test_with_postgres_down_it_tells_what_waits_and_what_to_do(stage: Stage) -> None:
    stage.postgres.kill()
    try:
        stage.send(30)

        async def told() -> Answer:
            began = time.monotonic()
            answer = await status(stage, "--json")
            assert time.monotonic() - began < 20
            (only,) = problems(answer)
            assert only.startswith("Postgres is not reachable")
            facebook = by(answer.body["snapshot"]["sources"], "source")["facebook"]
            assert facebook["batches"] > 0
            assert facebook["report_lag_seconds"] is None
            return answer

        answer = await eventually(told, within_seconds=40)
        assert answer.status == 1
        assert "wait in the stream" in answer.body["findings"][0]["advice"]
        services = by(answer.body["snapshot"]["services"], "name")
        assert services["gateway"]["health"] == "ready"
        assert services["facebook-collector"]["health"] == "not ready"
        assert "postgres" in [check["name"] for check in services["facebook-collector"]["failing"]]
    finally:
        stage.postgres.start()
    await eventually(lambda: is_well(stage), within_seconds=60)


@pytest.mark.exhaustive
async def test_with_nats_down_it_tells_that_nothing_is_accepted(stage: Stage) -> None:
    stage.nats.kill()
    try:
        answer = await status(stage, "--json")
        assert answer.status == 1
        (only,) = problems(answer)
        assert only.startswith("NATS is not reachable")
        snapshot = answer.body["snapshot"]
        assert snapshot["streams"] == []
        assert snapshot["dead_letters"] is None
        assert by(snapshot["servers"], "name")["postgres"]["reached"] is True
        facebook = by(snapshot["sources"], "source")["facebook"]
        assert facebook["batches"] is None
        assert facebook["report_lag_seconds"] is not None
        assert "NATS is not reachable" in (await status(stage)).text
    finally:
        stage.nats.start()
    await eventually(lambda: is_well(stage), within_seconds=60)


@pytest.mark.exhaustive
async def test_with_a_collector_dead_it_is_named_with_what_waits_for_it(stage: Stage) -> None:
    stage.collector.kill()
    try:
        stage.send(10)
        answer = await status(stage, "--json")
        assert answer.status == 1
        (only,) = problems(answer)
        assert only.startswith(f"facebook-collector at {stage.collector.url} does not answer")
        facebook = by(answer.body["snapshot"]["sources"], "source")["facebook"]
        assert facebook["batches"] >= 1
        assert facebook["catch_up_seconds"] is None
        assert facebook["has_consumer"] is True
    finally:
        stage.collector.start()
    await eventually(lambda: is_well(stage), within_seconds=60)


@pytest.mark.exhaustive
async def test_without_redis_events_flow_all_the_same_and_that_is_told(stage: Stage) -> None:
    stage.redis.kill()
    try:
        stage.send(10)
        answer = await status(stage, "--json")
        (only,) = problems(answer)
        assert only.startswith("Redis is not reachable")
        services = by(answer.body["snapshot"]["services"], "name")
        assert services["facebook-collector"]["health"] in ("ready", "degraded")
    finally:
        stage.redis.start()
    await eventually(lambda: is_well(stage), within_seconds=60)


@pytest.mark.exhaustive
async def test_a_service_that_hangs_does_not_hang_the_console(stage: Stage) -> None:
    stage.collector.pause()
    try:
        began = time.monotonic()
        answer = await status(stage, "--json")
        assert time.monotonic() - began < 20
        (only,) = problems(answer)
        assert "facebook-collector" in only
        assert "no answer in time" in only
    finally:
        stage.collector.resume()
    await eventually(lambda: is_well(stage), within_seconds=60)


@pytest.mark.exhaustive
def test_where_nothing_runs_everything_is_told_and_nothing_breaks(nothing_runs: Mapping[str, str]) -> None:
    answer = run(nothing_runs, "status", "--json")

    assert answer.status == 1
    told = problems(answer)
    for name in ("NATS", "Postgres", "Redis", "gateway", "facebook-collector", "reporter"):
        assert sum(each.startswith(name) for each in told) == 1, name


@pytest.mark.exhaustive
def test_a_wrong_address_ends_with_the_variables_name(nothing_runs: Mapping[str, str]) -> None:
    assert run({**nothing_runs, "COLLECTOR_URLS": "facebook"}, "status").status == 2


@pytest.mark.exhaustive
def test_it_looks_again_and_again_when_asked_to(nothing_runs: Mapping[str, str]) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "console", "status", "--json", "--watch", "0.1"],
        env=environment(nothing_runs),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with watching:
        assert watching.stdout is not None
        first, second = (json.loads(watching.stdout.readline())["snapshot"]["at"] for _ in range(2))
        watching.terminate()
    assert first < second
