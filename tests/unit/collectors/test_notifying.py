"""From the outbox to the stream: nothing is deleted before it is published, whoever is away."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, cast

from prometheus_client import CollectorRegistry

from collectors._runtime.notifying import Notifier, notices_of
from collectors._runtime.notifying_telemetry import NotifyingTelemetry
from pipeline.chassis.tracing import TracedOccasion
from pipeline.errors import StoreUnavailable, StreamUnavailable
from pipeline.store.notifications import NotificationOutbox, OutboxBody, OutboxRow, UserNotice
from pipeline.stream import Notice, NotificationPublisher


class Servers:
    """Postgres and NATS, each of which may be away."""

    def __init__(self, rows: int = 0) -> None:
        self.rows = {number: row(number) for number in range(rows)}
        self.told: list[str] = []
        self.postgres_fails = self.nats_fails = 0
        self.acknowledgements_lost = 0
        self.asked = 0
        self.told_at = 0.0

    async def settle(self, published: Sequence[int], limit: int) -> list[OutboxRow]:
        self.asked += 1
        if self.postgres_fails:
            self.postgres_fails -= 1
            raise StoreUnavailable("away")
        for number in published:
            assert f"outbox-{number}-x" in self.told, "deleted before it was published"
            self.rows.pop(number, None)
        return [row for number, row in sorted(self.rows.items()) if number not in published][:limit]

    async def publish_all(self, notices: Sequence[Notice], message_id: str) -> None:
        if self.nats_fails:
            self.nats_fails -= 1
            raise StreamUnavailable("away")
        if message_id not in self.told:
            self.told.append(message_id)
            self.told_at = asyncio.get_running_loop().time()
        if self.acknowledgements_lost:
            self.acknowledgements_lost -= 1
            raise StreamUnavailable("no answer in time")


def row(number: int) -> OutboxRow:
    return OutboxRow(number, "x", OutboxBody(posts=[("p-1", 1, 0, 0)]))


def make_notifier(servers: Servers, news: TracedOccasion | None = None) -> Notifier:
    return Notifier(
        cast(NotificationOutbox, servers),
        cast(NotificationPublisher, servers),
        news or TracedOccasion(),
        NotifyingTelemetry(CollectorRegistry(), "social"),
    )


async def told(servers: Servers, rows: int, news: TracedOccasion | None = None) -> Notifier:
    """Runs a notifier until everything is told and gone."""
    notifier = make_notifier(servers, news)
    stop = asyncio.Event()
    running = asyncio.create_task(notifier.run(stop))
    async with asyncio.timeout(10):
        while len(servers.told) < rows or servers.rows:
            await asyncio.sleep(0.005)
    stop.set()
    await asyncio.wait_for(running, 5)
    return notifier


async def test_everything_is_told_in_order_and_then_deleted() -> None:
    servers = Servers(rows=50)
    notifier = await told(servers, 50)
    assert servers.told == [f"outbox-{number}-x" for number in range(50)]
    assert await notifier.check() == "told"


async def test_nats_and_postgres_may_be_away_and_answers_may_be_lost() -> None:
    servers = Servers(rows=20)
    servers.nats_fails, servers.postgres_fails, servers.acknowledgements_lost = 2, 2, 1
    await told(servers, 20)
    assert servers.told == [f"outbox-{number}-x" for number in range(20)]


async def test_news_are_told_at_once() -> None:
    servers, news = Servers(), TracedOccasion()
    running = asyncio.create_task(told(servers, 1, news))
    async with asyncio.timeout(5):
        while not servers.asked:
            await asyncio.sleep(0)
    servers.rows[0] = row(0)
    news.set()
    begun = asyncio.get_running_loop().time()
    await running
    assert servers.told_at - begun < 0.5


async def test_what_was_told_last_is_deleted_at_the_end() -> None:
    servers, stop = Servers(rows=3), asyncio.Event()
    running = asyncio.create_task(make_notifier(servers).run(stop))
    async with asyncio.timeout(5):
        while len(servers.told) < 3:
            await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert servers.rows == {}


def test_what_users_and_followers_are_told() -> None:
    comment = UserNotice("COMMENT", "owner", "ann", "2026-11-20T12:00:00Z", "e-1", "p.1", "first")
    body = OutboxBody(users=[comment], posts=[("p.1", -1, 2, 0)])

    assert [(notice.subject, parsed(notice)) for notice in notices_of(body)] == [
        (
            "notifications.user.owner",
            {
                "kind": "COMMENT", "at": "2026-11-20T12:00:00Z", "from": "ann", "postId": "p.1", "text": "first",
                "eventId": "e-1",
            },
        ),
        (
            "notifications.topic.post%3Ap%2E1",
            {"kind": "POST", "postId": "p.1", "likes": -1, "comments": 2, "shares": 0},
        ),
    ]  # fmt: skip


def parsed(notice: Notice) -> Any:
    return json.loads(notice.body)
