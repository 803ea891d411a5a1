"""The limit: COPY of the same events into the same table, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from bench.metering import Meter
from bench.options import Options
from bench.outcome import Outcome
from bench.percentiles import percentile
from bench.postgres import Postgres, connected
from bench.system import running_servers
from collectors.registry import SOURCES
from pipeline.events.reasons import Rejection
from publisher.generator import Generator, Span

RUNS = 3
ROWS_PER_SECOND = 5_000
MOST_ROWS = 200_000
_CHUNK_BYTES = 512 * 1024
_COLUMNS = (
    *("occurred_at", "received_at", "source", "event_id", "funnel_stage", "event_type", "user_id", "facets"),
    *("amount", "currency", "campaign_id", "watch_seconds", "watched_percent", "payload"),
)


async def measure(options: Options) -> Outcome:
    records = rows(min(MOST_ROWS, int(options.seconds * ROWS_PER_SECOND)))
    with running_servers(("postgres",)) as system:
        async with connected(system.database_url) as postgres:
            await _make_partitions(postgres)
            started = time.perf_counter()
            await postgres.copy_rows("events", _COLUMNS, records)
            encoding = len(records) / (time.perf_counter() - started)
            # COPY reads no partitioned table, so a query does.
            stream = await postgres.copy_out(f"SELECT {', '.join(_COLUMNS)} FROM events")
            rates: list[float] = []
            meter = Meter(system.roots)
            async with meter.watching():
                for _ in range(RUNS):
                    await postgres.execute("TRUNCATE events")
                    started = time.perf_counter()
                    await postgres.copy_in("events", _COLUMNS, _chunks(stream))
                    rates.append(len(records) / (time.perf_counter() - started))
                usage = meter.usage(len(records) * RUNS)
    per_second = percentile(sorted(rates), 50)
    return Outcome(
        "The limit: COPY of the same events into the same table",
        rows=[
            (
                "rows",
                f"{len(records):,} in one COPY over one connection, {len(stream) / 1e6:,.0f} MB; {RUNS} times",
            ),
            ("rows/s, median", f"{per_second:,.0f} ({', '.join(f'{rate:,.0f}' for rate in sorted(rates))})"),
            ("rows/s, encoding by asyncpg included", f"{encoding:,.0f}"),
            (
                "how",
                "a binary stream made beforehand; partition and indexes as in the pipeline, no ledger, no rollups",
            ),
        ],
        usage=usage,
        values={"per_second": per_second},
    )


def rows(count: int) -> list[tuple[Any, ...]]:
    """Events of the firehose as the rows that the collectors would store, a few seconds old at most."""
    now = datetime.now(UTC)
    begins = now - timedelta(seconds=5)
    batch = Generator(seed=1).batch(count, Span(int(begins.timestamp() * 1e9), 5_000_000_000 // count))
    kinds = {
        name: source.formats[source.event_format] for name, source in SOURCES.items() if source.event_format
    }
    made: list[tuple[Any, ...]] = []
    for raw in batch.raws:
        name = "facebook" if b'"source":"facebook"' in raw else "tiktok"
        event = kinds[name].judge(raw, now)
        assert not isinstance(event, Rejection), event
        record = kinds[name].to_record(event, msgspec.Raw(raw), now)
        watched = (record.watch_seconds, record.watched_percent)
        made.append((
            record.occurred_at, record.received_at, name, record.event_id, record.funnel_stage, record.event_type,
            record.user_id, record.facets, record.amount, record.currency, record.campaign_id,
            *(None if value is None else Decimal(repr(value)) for value in watched), raw.decode(),
        ))  # fmt: skip
    return made


async def _make_partitions(postgres: Postgres) -> None:
    for offset in (-1, 0):
        begin = datetime.now(UTC).date() + timedelta(days=offset)
        await postgres.execute(
            f"CREATE TABLE events_{begin:%Y%m%d} PARTITION OF events "
            f"FOR VALUES FROM ('{begin}T00:00Z') TO ('{begin + timedelta(days=1)}T00:00Z')"
        )


async def _chunks(stream: bytes) -> AsyncIterator[bytes]:
    view = memoryview(stream)
    for start in range(0, len(view), _CHUNK_BYTES):
        yield bytes(view[start : start + _CHUNK_BYTES])
        await asyncio.sleep(0)
