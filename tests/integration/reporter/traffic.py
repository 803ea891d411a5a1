"""Made-up events, and the reports over them computed the plain way."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from collectors.registry import SOURCES
from pipeline.events.record import EventRecord, join_facets
from pipeline.store import Database, EventStore

START = datetime(2026, 5, 13, 22, 58, 57, 123456, UTC)
SPAN = timedelta(hours=27, minutes=3, seconds=5)
SALES = {"facebook": "checkout.complete", "tiktok": "purchase"}
OPEN_TYPES = ("contact.created", "com.example.order")
COUNTRIES = [f"country {number}" for number in range(70)]


def make_events(
    count: int, seed: int, users: int, start: datetime = START, span: timedelta = SPAN
) -> "Traffic":
    """Events of all sources in random order of time, their users returning with changing facets."""
    rng = random.Random(seed)
    traffic: Traffic = {source: [] for source in SOURCES}
    for number in range(count):
        source = rng.choice(list(SOURCES))
        stage = rng.choice(list(SOURCES[source].event_types))
        event_type = rng.choice(SOURCES[source].event_types[stage] or OPEN_TYPES)
        if stage == "bottom" and source in SALES and rng.random() < 0.6:
            event_type = SALES[source]
        facets = [rng.choice(values or COUNTRIES) for values in SOURCES[source].facets.values()]
        views = source == "tiktok" and stage == "top"
        if source == "tiktok" and not views:
            facets[1:] = ["", ""]
        sells = event_type in SALES.values() and rng.random() < 0.8
        traffic[source].append(
            EventRecord(
                event_id=f"{seed}-{number}",
                funnel_stage=stage,
                event_type=event_type,
                occurred_at=start + timedelta(microseconds=rng.randrange(span // timedelta(microseconds=1))),
                received_at=start,
                user_id=f"user-{rng.randrange(users)}",
                facets=join_facets(*facets),
                payload=msgspec.Raw(b"{}"),
                amount=Decimal(rng.randrange(1, 10**7)).scaleb(-rng.choice((0, 1, 2, 2, 2, 4)))
                if sells
                else None,
                campaign_id=f"camp-{rng.randrange(5)}" if sells and source == "facebook" else None,
                watch_seconds=rng.randrange(600) / 10 if views else None,
                watched_percent=rng.randrange(1000) / 10 if views else None,
            )
        )
    return traffic


Traffic = dict[str, list[EventRecord]]


async def store(database: Database, traffic: Traffic, batch: int = 200) -> None:
    """As two collectors of each source would: every other batch comes from the other one."""
    for source, records in traffic.items():
        writers = [EventStore(database, source), EventStore(database, source)]
        for at in range(0, len(records), batch):
            await writers[at // batch % 2].write(records[at : at + batch])


def within(
    records: Iterable[EventRecord], starts: datetime | None, ends: datetime | None
) -> list[EventRecord]:
    return [
        record
        for record in records
        if (starts is None or record.occurred_at >= starts) and (ends is None or record.occurred_at < ends)
    ]


def expected_counts(
    traffic: Traffic, starts: datetime | None, ends: datetime | None
) -> dict[tuple[str, ...], int]:
    counts: Counter[tuple[str, ...]] = Counter()
    for source, records in traffic.items():
        counts.update((source, r.funnel_stage, r.event_type) for r in within(records, starts, ends))
    return dict(counts)


def expected_revenue(records: Sequence[EventRecord]) -> tuple[Decimal, int]:
    amounts = [record.amount for record in records if record.amount is not None]
    return sum(amounts, Decimal(0)), len(amounts)


def expected_audience(source: str, records: Sequence[EventRecord], top: int = 50) -> dict[str, Any]:
    """The source's part of the demographics report, without averages and accuracy."""
    part: dict[str, Any] = {"totalUsers": len({record.user_id for record in records})}
    for index, (facet, closed) in enumerate(SOURCES[source].facets.items()):
        users: defaultdict[str, set[str | None]] = defaultdict(set)
        for record in records:
            if value := record.facets.split("\x1f")[index]:
                users[value].add(record.user_id)
        if closed is not None:
            part[facet] = {value: len(users[value]) for value in closed}
            continue
        ranked = sorted(users, key=lambda value: (-len(users[value]), value))
        others = set[str | None]().union(*(users[value] for value in ranked[top:]))
        part[facet] = {value: len(users[value]) for value in ranked[:top]} | {"other": len(others)}
    return part
