# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# redis-py leaves the parameters that it passes on untyped.
"""`python -m bench.sizing`: how many bytes an event takes, wherever it comes by. Bytes, no times: any machine will do.

Each source has servers of its own. So many of its events are published in full record batches, and the stream is
looked at while it holds them all. Then one collector stores them, and what each table with its indexes, Redis, the
notifications, the write-ahead log and a dump have grown by is divided by their number.
"""

import argparse
import asyncio
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from rich.console import Console

from bench import machine, markdown, tables
from bench.children import Child, ended_at_last
from bench.outcome import Outcome
from bench.postgres import Postgres, connected
from bench.social_actions import Audience
from bench.system import System, running_servers
from collectors.facebook import EVENT_FORMAT as FACEBOOK
from collectors.tiktok import EVENT_FORMAT as TIKTOK
from console.backup.postgres_programs import PostgresPrograms
from ops.local import binaries, prisma_cli, services
from ops.local.ports import choose_free
from ops.local.postgres_server import DEFAULT_VERSION
from ops.local.services import SERVICES
from pipeline.events.batch import RecordBatch, pack
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from publisher import Generator, Span

RESULTS = Path(__file__).with_name("RESULTS-sizing.md")
EVENTS = 200_000
PER_SECOND = 1_000
"""Of the events' own times. The rollups keep a row for each second and kind: at a higher rate they share it."""
GIVE_UP_SECONDS = 600.0
_CHUNK = 5_000
_FORMATS = {"facebook": FACEBOOK, "tiktok": TIKTOK}
_STORED = "SELECT coalesce(sum(events), 0)::bigint FROM event_rollups WHERE bucket_seconds = 86400"
_WAL = "SELECT (pg_current_wal_lsn() - '0/0')::bigint"
# Partitions count as `events`; what an index takes is shown apart, because it is what grows the working set.
_TABLES = """
SELECT CASE WHEN relname ~ '^events_' THEN 'events' ELSE relname END AS name,
       sum(pg_table_size(oid))::bigint AS rows, sum(pg_indexes_size(oid))::bigint AS indexes
FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
GROUP BY 1
"""
_HEADING = (
    "# Results: bytes per event",
    "",
    "Made by `python -m bench.sizing`, which says what each figure means.",
    "",
)

Sizes = Mapping[str, tuple[int, int]]


async def measure(source: str, events: int) -> Outcome:
    """One source, from the stream to the tables."""
    started: list[Child] = []
    with running_servers() as system, ended_at_last(started):
        connection = StreamConnection(StreamSettings(nats_url=system.nats_url), "bench")
        stop = asyncio.Event()
        running = asyncio.create_task(connection.run(stop))
        await connection.ready()
        raw_bytes = await _publish(connection, source, events)
        stream = await _stream_bytes(connection, "EVENTS")
        async with connected(system.database_url) as postgres, Redis.from_url(system.redis_url) as redis:
            await postgres.execute("CHECKPOINT")
            tables_before, wal_before = await _sizes(postgres), int(await postgres.value(_WAL))
            redis_before = await _redis_bytes(redis)
            started.append(_start(system, source))
            await _until_done(postgres, redis, source, events)
            wal = int(await postgres.value(_WAL)) - wal_before
            # What Postgres forgets by and by (dead rows of upserts) is as it would be after a while.
            await postgres.execute("VACUUM")
            tables_after = await _sizes(postgres)
            redis_bytes, members = await _redis_bytes(redis) - redis_before, await _members(redis)
        notices = await _stream_bytes(connection, "NOTIFICATIONS")
        dump = await _dump_bytes(system)
        stop.set()
        await running
        await connection.close()
    rows = [
        ("events", f"{events:,}"),
        ("one event as it came", f"{raw_bytes / events:,.0f} bytes"),
        (
            "in the stream EVENTS",
            f"{stream[1] / events:,.0f} bytes, {events / stream[0]:,.0f} events a message",
        ),
        *_table_rows(tables_before, tables_after, events),
        ("write-ahead log, for an archive or a replica", f"{wal / events:,.0f} bytes"),
        ("in a dump", f"{dump / events:,.0f} bytes"),
        ("Redis", f"{max(redis_bytes, 0) / 1e6:,.1f} MB for {members:,} counters"),
    ]
    if members > 10_000:
        rows.append(("Redis, per counter", f"{redis_bytes / members:,.0f} bytes"))
    if notices[0]:
        rows.append(
            (
                "notifications",
                f"{notices[0] / events:,.2f} per event, {notices[1] / notices[0]:,.0f} bytes each",
            )
        )
    return Outcome(source, rows=rows)


def batches(source: str, events: int) -> Iterator[RecordBatch]:
    """So many events of one source in full record batches, their times `PER_SECOND` to the second, the last one now."""
    if source == "social":
        yield from Audience(seed=7).batches(events)
        return
    form = _FORMATS[source]
    for group in pack(_raws(source, events)):
        yield RecordBatch(source, form.name, group, datetime.now(UTC), [("bench", len(group))])


def _raws(source: str, events: int) -> Iterator[msgspec.Raw]:
    generator, mark = Generator(7), f'"source":"{source}"'.encode()
    step_ns = 10**9 // PER_SECOND // 2  # the generator makes two sources, of which one is taken
    first_ns = time.time_ns() - events * 2 * step_ns
    left = events
    while left:
        batch = generator.batch(_CHUNK, Span(first_ns, step_ns))
        first_ns += _CHUNK * step_ns
        for raw in [raw for raw in batch.raws if mark in raw][:left]:
            left -= 1
            yield msgspec.Raw(raw)


async def _publish(connection: StreamConnection, source: str, events: int) -> int:
    publisher, size, count = StreamPublisher(connection), 0, 0
    for batch in batches(source, events):
        size += sum(len(bytes(event)) for event in batch.events)
        count += len(batch.events)
        await publisher.publish_batch(batch)
    assert count == events, (count, events)
    return size


async def _stream_bytes(connection: StreamConnection, name: str) -> tuple[int, int]:
    """Messages and bytes."""
    state = (await connection.jetstream.stream_info(name)).state
    return state.messages, state.bytes


def _start(system: System, source: str) -> Child:
    service = next(service for service in SERVICES if service.source == source)
    environment = services.environment(service, system.settings, system.servers)
    return Child(service.name, service.command, {**environment, "PORT": str(choose_free())}, system.folder)


async def _until_done(postgres: Postgres, redis: "Redis", source: str, events: int) -> None:
    """Returns when all are stored and counted, and everybody concerned was told."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        stored = int(await postgres.value(_STORED))
        outbox = int(await postgres.value("SELECT count(*) FROM notification_outbox"))
        counted = sum(map(int, cast("list[Any]", await redis.hvals(f"events:{source}"))))
        if (stored, counted, outbox) == (events, events, 0):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{stored:,} stored, {counted:,} counted, {outbox:,} not told")
        await asyncio.sleep(0.2)


async def _sizes(postgres: Postgres) -> Sizes:
    return {name: (rows, indexes) for name, rows, indexes in await postgres.rows(_TABLES)}


def _table_rows(before: Sizes, after: Sizes, events: int) -> Iterator[tuple[str, str]]:
    grown = {
        name: (rows - before.get(name, (0, 0))[0], indexes - before.get(name, (0, 0))[1])
        for name, (rows, indexes) in after.items()
    }
    for name, (rows, indexes) in sorted(grown.items(), key=lambda item: -sum(item[1])):
        if rows + indexes >= events // 2:  # half a byte per event
            yield f"table {name}", f"{rows / events:,.0f} bytes, indexes {indexes / events:,.0f}"
    total = sum(rows + indexes for rows, indexes in grown.values())
    yield "database, all tables and indexes", f"{total / events:,.0f} bytes"


async def _redis_bytes(redis: "Redis") -> int:
    return int((await redis.info("memory"))["used_memory_dataset"])


async def _members(redis: "Redis") -> int:
    """Numbers that Redis keeps: fields of hashes and members of sorted sets."""
    total = 0
    async for key in redis.scan_iter(count=1000):
        kind = cast(bytes, await redis.type(key))
        counts = {b"hash": redis.hlen, b"zset": redis.zcard}
        total += int(await counts[kind](key)) if kind in counts else 1
    return total


async def _dump_bytes(system: System) -> int:
    sizes: list[int] = []
    folder = str(binaries.postgres(DEFAULT_VERSION, "pg_dump").parent)
    await PostgresPrograms(system.database_url, folder, os.environ).dump(
        lambda chunk: sizes.append(len(chunk))
    )
    return sum(sizes)


async def _measure_all(events: int, console: Console) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for source in ("facebook", "tiktok", "social"):
        outcomes.append(await measure(source, events))
        tables.show_outcome(console, outcomes[-1])
    return outcomes


def main() -> None:
    """Measures, prints, records."""
    parser = argparse.ArgumentParser(prog="python -m bench.sizing", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--no-write", action="store_true", help="only print the results")
    given = parser.parse_args()
    os.environ |= prisma_cli.environment()
    console = Console(width=150)
    facts = machine.facts(shlex.join(("python", "-m", "bench.sizing", *sys.argv[1:])))
    outcomes = asyncio.run(_measure_all(given.events, console))
    if not given.no_write:
        sections = {outcome.title: outcome for outcome in outcomes}
        given.output.write_text(markdown.document(facts, sections, [], heading=_HEADING))
        console.print(f"written to {given.output}", highlight=False)


if __name__ == "__main__":
    main()
