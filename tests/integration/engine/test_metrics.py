"""What the engine counts, in both formats, under Prisma's names."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio


async def test_metrics_count_queries_and_connections(make_client: Any, postgres: Any) -> None:
    db = await make_client(postgres.url(connection_limit=1))
    for _ in range(3):
        await db.query_raw("SELECT pg_sleep(0.002)")
    await db.tag.count()
    metrics = await db.get_metrics(global_labels={"service": "test"})
    values = {metric.key: metric.value for metric in [*metrics.counters, *metrics.gauges]}
    assert values == {
        "prisma_client_queries_total": 4,
        "prisma_datasource_queries_total": 4,
        "prisma_pool_connections_opened_total": 1,
        "prisma_pool_connections_closed_total": 0,
        "prisma_client_queries_active": 0,
        "prisma_client_queries_wait": 0,
        "prisma_pool_connections_busy": 0,
        "prisma_pool_connections_idle": 1,
        "prisma_pool_connections_open": 1,
    }
    assert all(metric.labels == {"service": "test"} for metric in metrics.counters)
    histograms = {metric.key: metric.value for metric in metrics.histograms}
    assert set(histograms) == {
        "prisma_client_queries_duration_histogram_ms",
        "prisma_client_queries_wait_histogram_ms",
        "prisma_datasource_queries_duration_histogram_ms",
    }
    duration = histograms["prisma_client_queries_duration_histogram_ms"]
    assert duration.count == 4
    assert duration.sum >= 6
    assert sum(bucket.total_count for bucket in duration.buckets) == 4


async def test_metrics_for_prometheus(db: Any) -> None:
    await db.query_raw("SELECT 1")
    text = await db.get_metrics(format="prometheus", global_labels={"service": 'a "b"'})
    label = '{service="a \\"b\\""}'
    assert f"prisma_client_queries_total{label} 2\n" in text
    assert "# TYPE prisma_client_queries_duration_histogram_ms histogram\n" in text
    assert '_bucket{service="a \\"b\\"",le="+Inf"} 2\n' in text
    assert f"prisma_client_queries_duration_histogram_ms_count{label} 2\n" in text


async def test_who_waits_for_a_connection_is_counted(make_client: Any, postgres: Any) -> None:
    db = await make_client(postgres.url(connection_limit=1))
    transaction = db.tx()
    await transaction.start()
    waiting = asyncio.ensure_future(db.query_raw("SELECT 1 AS one"))
    while "prisma_client_queries_wait 1\n" not in await db.get_metrics(format="prometheus"):
        await asyncio.sleep(0.01)
    await transaction.rollback()
    assert await waiting == [{"one": 1}]
