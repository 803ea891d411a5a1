"""The watch over canaries: which sources get them, how old they are, and what readiness says when they stay away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import structlog
from prometheus_client import CollectorRegistry

from pipeline.chassis.health import run_checks
from pipeline.chassis.supervision import supervise
from pipeline.errors import ConfigurationError
from pipeline.events.vocabulary import Vocabulary
from pipeline.store import Database
from pipeline.store.progress import report_progress
from reporter.canary.settings import CanarySettings
from reporter.canary.telemetry import CanaryAges, CanaryTelemetry
from reporter.canary.watch import CanaryWatch
from tests.integration.reporter.pipelines import FakePipeline
from tests.processes import eventually
from tests.unit.builders import NOW


@dataclass
class Watching:
    """A watch that runs, its metrics, and a clock that the test can put forward."""

    watch: CanaryWatch
    registry: CollectorRegistry
    stop: asyncio.Event
    task: asyncio.Task[bool]
    later: list[float]

    def age(self, source: str) -> float | None:
        return self.registry.get_sample_value("pipeline_canary_age_seconds", {"source": source})

    def count(self, source: str, outcome: str) -> float:
        labels = {"source": source, "outcome": outcome}
        return self.registry.get_sample_value("pipeline_canaries_total", labels) or 0

    async def found(self, source: str, more: int = 1) -> None:
        """Returns when so many more have come through."""
        before = self.count(source, "found")

        async def look() -> None:
            assert self.count(source, "found") >= before + more

        await eventually(look)

    async def readiness(self) -> tuple[str, str]:
        """The status, and what the check says."""
        answer = await run_checks({}, 1.0, {"canary": self.watch.check})
        return answer.status, answer.checks[0].detail

    async def end(self) -> bool:
        self.stop.set()
        return await asyncio.wait_for(self.task, 10)


StartWatching = Callable[..., Watching]


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def pipeline(look: asyncpg.Connection) -> AsyncIterator[FakePipeline]:
    async with FakePipeline(look).running() as pipeline:
        yield pipeline


@pytest.fixture
async def start(
    vocabulary: Vocabulary, database: Database, pipeline: FakePipeline
) -> AsyncIterator[StartWatching]:
    started: list[Watching] = []

    def start(**settings: Any) -> Watching:
        known = {"canary_interval_seconds": 0.05, "gateway_url": (pipeline.address,), **settings}
        registry, stop, later = CollectorRegistry(), asyncio.Event(), [0.0]
        loop = asyncio.get_running_loop()
        watch = CanaryWatch(
            vocabulary,
            CanarySettings(**known),
            database,
            CanaryTelemetry(registry),
            lambda: loop.time() + later[0],
        )
        CanaryAges(registry, watch.ages)
        task = asyncio.create_task(supervise(watch.loops, stop, 5.0))
        started.append(Watching(watch, registry, stop, task, later))
        return started[-1]

    yield start
    for watching in started:
        assert await watching.end(), "a loop died"


async def test_canaries_come_through_again_and_again(start: StartWatching, pipeline: FakePipeline) -> None:
    watching = start(canary_sources=("facebook",))

    await watching.found("facebook", 5)

    assert (watching.age("facebook") or 99) < 5
    assert await watching.readiness() == ("ready", "facebook 0 s")
    numbers = [canary["number"] for canary in pipeline.received]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len({canary["sender"] for canary in pipeline.received}) == 1


async def test_sources_that_need_no_collector_get_canaries_once_they_had_one(
    start: StartWatching, pipeline: FakePipeline, database: Database
) -> None:
    watching = start()
    await watching.found("facebook")
    await watching.found("tiktok", 3)
    assert pipeline.sources == {"facebook", "tiktok"}
    assert watching.age("custom") is None

    await report_progress(database, "custom", NOW, NOW)
    await report_progress(database, "of another version", NOW, NOW)

    await watching.found("custom")
    assert pipeline.sources == {"facebook", "tiktok", "custom"}


async def test_named_sources_get_canaries_and_no_others(
    start: StartWatching, pipeline: FakePipeline, database: Database
) -> None:
    await report_progress(database, "tiktok", NOW, NOW)
    watching = start(canary_sources=("facebook", "social"))

    await watching.found("facebook")
    await watching.found("social", 3)

    assert pipeline.sources == {"facebook", "social"}


async def test_a_source_that_does_not_exist_is_refused_by_the_variables_name(start: StartWatching) -> None:
    with pytest.raises(ConfigurationError, match=r"^CANARY_SOURCES: there is no source facebok$"):
        start(canary_sources=("facebok", "tiktok"))


async def test_one_that_is_accepted_and_never_stored_is_told_by_its_age(
    start: StartWatching, pipeline: FakePipeline
) -> None:
    watching = start(canary_sources=("facebook", "tiktok"))
    await watching.found("facebook")
    pipeline.stores = False
    sent = len(pipeline.received)
    watching.later[0] += 61

    async def degraded() -> None:
        status, detail = await watching.readiness()
        assert status == "degraded"
        assert "facebook 61 s: accepted by the gateway, and not stored yet" in detail
        assert "(CANARY_STALE_SECONDS=60)" in detail

    await eventually(degraded)
    # It has waited for a minute by its clock: the next one goes when it has waited for a fourth longer.
    assert len(pipeline.received) <= sent + 4

    pipeline.stores = True
    for source in ("facebook", "tiktok"):
        await pipeline.store_last(source)
    watching.later[0] += 60
    for source in ("facebook", "tiktok"):
        await watching.found(source)
    assert (await watching.readiness())[0] == "ready"


async def test_a_gateway_that_refuses_is_named_and_tried_again(
    start: StartWatching, pipeline: FakePipeline
) -> None:
    pipeline.status = 503
    with structlog.testing.capture_logs() as lines:
        watching = start(canary_sources=("facebook",))

        async def refused() -> None:
            assert watching.count("facebook", "refused") >= 3

        await eventually(refused)
        watching.later[0] += 61
        status, detail = await watching.readiness()
        pipeline.status = 202
        await watching.found("facebook")

    assert status == "degraded"
    assert "the gateway answers 503: too much is in flight" in detail
    assert (await watching.readiness())[0] == "ready"
    told = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert told == ["canary_not_accepted", "canaries_accepted_again"]


async def test_a_gateway_that_is_away_is_named(start: StartWatching, pipeline: FakePipeline) -> None:
    watching = start(canary_sources=("facebook",), gateway_url=("http://127.0.0.1:1",))

    async def unreachable() -> None:
        assert watching.count("facebook", "unreachable") >= 2

    await eventually(unreachable)
    watching.later[0] += 61
    _, detail = await watching.readiness()
    assert "facebook 61 s: the gateway does not answer" in detail


async def test_several_gateways_are_taken_in_turn(start: StartWatching, pipeline: FakePipeline) -> None:
    watching = start(canary_sources=("facebook",), gateway_url=("http://127.0.0.1:1", pipeline.address))

    await watching.found("facebook", 3)

    assert watching.count("facebook", "unreachable") >= 2


async def test_the_key_is_shown_and_a_name_that_logs_know(
    start: StartWatching, pipeline: FakePipeline
) -> None:
    watching = start(canary_sources=("facebook",), canary_keys=("new", "old"))
    await watching.found("facebook")

    sender = pipeline.received[0]["sender"]
    assert pipeline.headers[0]["authorization"] == "Bearer new"
    assert pipeline.headers[0]["x-correlation-id"] == f"canary-{sender}-1"


async def test_two_reporters_each_see_their_own(start: StartWatching, pipeline: FakePipeline) -> None:
    one, other = start(canary_sources=("facebook",)), start(canary_sources=("facebook",))
    await one.found("facebook", 3)
    await other.found("facebook", 3)
    assert len({canary["sender"] for canary in pipeline.received}) == 2

    # The clock of one of them is an hour ahead: that is nobody else's business, nor does it make itself late.
    one.later[0] += 3600
    await one.found("facebook", 3)
    await other.found("facebook", 3)
    assert (await one.readiness())[0] == (await other.readiness())[0] == "ready"
