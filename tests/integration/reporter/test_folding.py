"""Folded or not, late or twice, exact or estimated: the answer is the same."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from collectors.registry import SOURCES
from pipeline.events.vocabulary import Vocabulary
from pipeline.store import Database
from reporter import audience_parts
from reporter.audience_parts import BucketPart, find_parts
from reporter.fold_loop import FoldLoop
from reporter.folding import Folder
from reporter.ranges import TimeRange
from reporter.settings import ReporterSettings
from tests.integration.reporter.folds import fold_everything, make_fold_loop, unfolded
from tests.integration.reporter.traffic import (
    START,
    Traffic,
    expected_audience,
    make_events,
    store,
    within,
)

CUT = TimeRange(START + timedelta(minutes=33, microseconds=77), START + timedelta(hours=26, microseconds=5))
ESTIMATING = ReporterSettings(roll_up_after_seconds=0.0, exact_users_up_to_events=0)


async def demographics(client: httpx.AsyncClient, time_range: TimeRange) -> Any:
    assert time_range.starts is not None
    assert time_range.ends is not None
    bounds = {"from": time_range.starts.isoformat(), "to": time_range.ends.isoformat()}
    return (await client.get("/reports/demographics", params=bounds)).json()


def assert_exact(report: Any, traffic: Traffic, time_range: TimeRange) -> None:
    assert set(report) == {source for source in traffic if SOURCES[source].facets}
    for source in report:
        expected = expected_audience(source, within(traffic[source], time_range.starts, time_range.ends))
        assert {member: report[source][member] for member in expected} == expected


@pytest.mark.parametrize("settings", [ESTIMATING], ids=["estimating"])
@pytest.mark.exhaustive
async def test_estimates_are_marked_and_do_not_depend_on_folding(
    client: httpx.AsyncClient, database: Database, settings: ReporterSettings, vocabulary: Vocabulary
) -> None:
    traffic = make_events(5_000, seed=5, users=2_500)
    await store(database, traffic)
    before = await demographics(client, CUT)
    await fold_everything(make_fold_loop(vocabulary, settings, database))
    assert await unfolded(database) == 0
    assert await demographics(client, CUT) == before
    for source in before:
        assert before[source]["approximate"] is True
        assert before[source]["standardErrorPercent"] == 0.29
        expected = expected_audience(source, within(traffic[source], CUT.starts, CUT.ends))
        assert before[source]["totalUsers"] == pytest.approx(expected["totalUsers"], rel=0.01)
    # A reporter that has seen nothing of it yet estimates the same from the buckets.
    later = TimeRange(CUT.starts, (CUT.ends or START) + timedelta(days=40))
    fresh = await demographics(client, later)
    assert fresh["facebook"]["totalUsers"] >= before["facebook"]["totalUsers"]


async def test_what_is_over_is_read_from_days(database: Database, fold_loop: FoldLoop) -> None:
    await store(database, make_events(3_000, seed=6, users=500))
    await fold_everything(fold_loop)
    parts = await find_parts(database, "facebook", TimeRange(), 3_000)
    assert {part.bucket_seconds for part in parts if isinstance(part, BucketPart)} == {86_400}
    assert len(parts) == 3


@pytest.mark.exhaustive
async def test_late_events_of_a_day_that_was_rolled_up_are_counted_at_once_and_rolled_up_again(
    client: httpx.AsyncClient, database: Database, fold_loop: FoldLoop
) -> None:
    traffic = make_events(1_500, seed=7, users=500)
    await store(database, traffic)
    await fold_everything(fold_loop)
    assert_exact(await demographics(client, CUT), traffic, CUT)
    late = make_events(300, seed=8, users=900)
    await store(database, late)
    for source, records in late.items():
        traffic[source] += records
    assert_exact(await demographics(client, CUT), traffic, CUT)
    await fold_everything(fold_loop)
    assert_exact(await demographics(client, CUT), traffic, CUT)
    stale = await database.query(
        "SELECT count(*)::integer AS n FROM audience_buckets WHERE stale_since IS NOT NULL"
    )
    assert stale[0]["n"] == 0


async def test_a_segment_that_becomes_visible_after_younger_ones_were_folded_is_not_lost(
    client: httpx.AsyncClient, database: Database, database_url: str, fold_loop: FoldLoop
) -> None:
    traffic = make_events(400, seed=9, users=100)
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    # The batch in flight has its number, but not its commit.
    await connection.execute(
        """
        INSERT INTO audience_segments (source, first_at, last_at, events, facets, data)
        SELECT 'facebook', $1::timestamptz, $1, 1, ARRAY[E'55+\\x1fmale\\x1fPeru'],
               int8send(4711) || int8send((extract(epoch FROM $1::timestamptz) * 1000000)::bigint)
               || int2send(0::smallint)
        """,
        START + timedelta(hours=1),
    )
    await store(database, traffic)
    await fold_everything(fold_loop)
    users = (await demographics(client, CUT))["facebook"]["totalUsers"]
    await transaction.commit()
    await connection.close()
    assert (await demographics(client, CUT))["facebook"]["totalUsers"] == users + 1
    await fold_everything(fold_loop)
    assert await unfolded(database) == 0
    assert (await demographics(client, CUT))["facebook"]["totalUsers"] == users + 1


@pytest.mark.exhaustive
async def test_two_folders_at_once_lose_nothing(
    client: httpx.AsyncClient, database: Database, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lease, which usually keeps them apart."""
    traffic = make_events(2_500, seed=10, users=700, span=timedelta(minutes=7))
    await store(database, traffic, batch=50)

    async def always(*_: object) -> bool:
        return True

    monkeypatch.setattr(Folder, "take_lease", always)
    settings = ReporterSettings(roll_up_after_seconds=0.0, fold_events=300)
    folds = [make_fold_loop(vocabulary, settings, database) for _ in range(3)]
    await asyncio.gather(*(fold_everything(fold) for fold in folds))
    assert await unfolded(database) == 0
    hour = TimeRange(START - timedelta(seconds=57), START + timedelta(hours=2))
    assert_exact(await demographics(client, hour), traffic, hour)


async def test_only_the_holder_of_the_lease_folds(
    database: Database, vocabulary: Vocabulary, settings: ReporterSettings, fold_loop: FoldLoop
) -> None:
    other = make_fold_loop(vocabulary, settings, database)
    await fold_everything(other)
    await store(database, make_events(100, seed=11, users=50))
    await fold_everything(fold_loop)
    assert await unfolded(database) == len(SOURCES)
    await fold_everything(other)
    assert await unfolded(database) == 0


@pytest.mark.exhaustive
async def test_segments_that_were_written_but_not_marked_are_folded_again_without_harm(
    client: httpx.AsyncClient, database: Database, fold_loop: FoldLoop
) -> None:
    traffic = make_events(800, seed=12, users=200)
    await store(database, traffic)
    await fold_everything(fold_loop)
    await database.execute("UPDATE audience_segments SET folded = false")
    await fold_everything(fold_loop)
    assert_exact(await demographics(client, CUT), traffic, CUT)


@pytest.mark.exhaustive
async def test_a_cut_that_too_many_segments_reach_into_is_read_from_the_events(
    client: httpx.AsyncClient, database: Database, fold_loop: FoldLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_parts, "_MOST_CUT_SEGMENTS", 0)
    traffic = make_events(4_000, seed=13, users=900)
    await store(database, traffic)
    await fold_everything(fold_loop)
    for minutes in range(5):
        moved = TimeRange(START + timedelta(minutes=minutes, seconds=30), CUT.ends)
        assert_exact(await demographics(client, moved), traffic, moved)
    within_a_minute = TimeRange(START + timedelta(hours=2), START + timedelta(hours=2, seconds=40))
    assert_exact(await demographics(client, within_a_minute), traffic, within_a_minute)


async def test_a_fold_that_fails_is_counted_and_tried_again(
    database: Database, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ReporterSettings(fold_interval_seconds=0.01)
    fold_loop = make_fold_loop(vocabulary, settings, database)
    await store(database, make_events(100, seed=14, users=50))
    fold, failed, stop = Folder.fold, asyncio.Event(), asyncio.Event()

    async def fail_once(folder: Folder, max_events: int) -> int:
        if not failed.is_set():
            failed.set()
            raise ValueError("a blob that cannot be read")
        segments = await fold(folder, max_events)
        if not await unfolded(database):
            stop.set()
        return segments

    monkeypatch.setattr(Folder, "fold", fail_once)
    async with asyncio.timeout(20):
        await fold_loop.run(stop)
    assert failed.is_set()
    assert await unfolded(database) == 0
