"""The rollups equal what a straightforward program would count."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg

from pipeline.events.record import EventRecord
from pipeline.store import Database, EventStore
from tests.integration.store.records import NOON, record

KINDS = [
    ("top", "video.view"),
    ("top", "comment"),
    ("bottom", "checkout.complete"),
    ("bottom", "ad.click"),
]
Key = tuple[int, datetime, str, str, str]
Figures = tuple[int, int, Decimal, int, Decimal, Decimal]


async def test_rollups_at_every_bucket_size_equal_a_plain_count(
    database: Database, look: asyncpg.Connection
) -> None:
    rng = random.Random(11)
    records = [made_up(rng) for _ in range(3000)]
    stores = [EventStore(database, "facebook"), EventStore(database, "facebook")]
    for at in range(0, len(records), 250):
        # The second half of a batch comes again with the next one, and with the other writer.
        await stores[at // 250 % 2].write(records[max(0, at - 125) : at + 250])
    await EventStore(database, "tiktok").write([made_up(rng)])

    rows = await look.fetch("""
        SELECT bucket_seconds, bucket, funnel_stage, event_type, currency, sum(events)::bigint,
               sum(transactions)::bigint, sum(revenue), sum(watches)::bigint, sum(watch_seconds),
               sum(watched_percent)
        FROM event_rollups WHERE source = 'facebook' GROUP BY 1, 2, 3, 4, 5
    """)
    assert {tuple(row)[:5]: tuple(row)[5:] for row in rows} == plain_count(records)


async def test_each_writer_has_rows_of_its_own(database: Database, look: asyncpg.Connection) -> None:
    # Otherwise collectors of one source would queue behind each other for the busiest row.
    for _ in range(4):
        await EventStore(database, "facebook").write([record()])

    shards = await look.fetchval(
        "SELECT count(DISTINCT shard) FROM event_rollups WHERE bucket_seconds = 86400"
    )
    assert (shards or 0) > 1  # of 1,024: that four writers draw the same is once in a billion


def made_up(rng: random.Random) -> EventRecord:
    stage, event_type = rng.choice(KINDS)
    # Some at the very edges of their buckets, some before 1970, some in the shadow of a leap day.
    day = rng.choice([NOON, datetime(2024, 2, 29, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)])
    seconds = rng.choice([0, 59.999999, 60, 3599.999999, 3600, rng.random() * 3 * 86_400])
    pays = event_type == "checkout.complete" and rng.random() < 0.8
    watched = event_type == "video.view"
    return record(
        funnel_stage=stage,
        event_type=event_type,
        occurred_at=day + timedelta(seconds=seconds),
        amount=Decimal(rng.randrange(1, 10**9)).scaleb(-rng.randrange(9)) if pays else None,
        currency=rng.choice([None, "EUR", "USD"]) if pays else None,
        watch_seconds=rng.randrange(10_000) / 8 if watched else None,
        watched_percent=rng.randrange(800) / 8 if watched else None,
    )


def plain_count(records: list[EventRecord]) -> dict[Key, Figures]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    sums: dict[Key, Figures] = defaultdict(lambda: (0, 0, Decimal(), 0, Decimal(), Decimal()))
    for each in records:
        for seconds in (1, 60, 3600, 86400):
            bucket = epoch + (each.occurred_at - epoch) // timedelta(seconds=seconds) * timedelta(
                seconds=seconds
            )
            key = (seconds, bucket, each.funnel_stage, each.event_type, each.currency or "")
            events, transactions, revenue, watches, watch, watched = sums[key]
            sums[key] = (
                events + 1,
                transactions + (each.amount is not None),
                revenue + (each.amount or 0),
                watches + (each.watch_seconds is not None),
                watch + Decimal(str(each.watch_seconds or 0)),
                watched + Decimal(str(each.watched_percent or 0)),
            )
    return dict(sums)
