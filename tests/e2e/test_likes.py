"""Thousands of people like one post at once, and change their minds: the counters equal the truth, whatever breaks."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import pytest
from redis.asyncio import Redis

from collectors.social import ACTION_FORMAT
from collectors.social.events import envelop
from ops.local import servers
from ops.local.servers import RunningServer
from pipeline.events.batch import RecordBatch
from pipeline.stream import StreamConnection, StreamPublisher, StreamSettings
from tests.processes import Process, Services, connections, eventually
from tests.streams import delete_streams

USERS = 2_000
POST = "p:of the day"
_PUBLISHERS = 8

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Crowd:
    """People who like one post, and what they said last: the truth, without any of our code."""

    publisher: StreamPublisher
    seed: int = 1
    last_words: dict[str, tuple[datetime, str, bool]] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def likes(self) -> int:
        """How many of them like the post now."""
        return sum(liked for _, _, liked in self.last_words.values())

    def likes_of(self, day: date) -> int:
        """How many of them said so on that day."""
        return sum(liked and at.date() == day for at, _, liked in self.last_words.values())

    async def act(self) -> None:
        """Everybody says one to five words, some of them of yesterday; a part comes twice, all of it in any order."""
        rng = random.Random(self.seed)
        self.seed += 1
        actions = [self._action(rng, f"u-{user}") for user in range(USERS) for _ in range(rng.randint(1, 5))]
        sent = [*actions, *rng.choices(actions, k=len(actions) // 3)]
        rng.shuffle(sent)
        size = rng.choice((7, 40, 400))
        batches = [batch_of(sent[begin : begin + size]) for begin in range(0, len(sent), size)]
        batches += rng.choices(batches, k=len(batches) // 10)  # a gateway that has not heard the answer
        await asyncio.gather(*(self._publish(batches[part::_PUBLISHERS]) for part in range(_PUBLISHERS)))

    async def _publish(self, batches: Sequence[RecordBatch]) -> None:
        for batch in batches:
            await self.publisher.publish_batch(batch)

    def _action(self, rng: random.Random, user: str) -> msgspec.Raw:
        liked, event_id = rng.random() < 0.7, f"a-{next(self.ids)}"
        at = datetime.now(UTC) - timedelta(days=rng.random() < 0.1, milliseconds=rng.randrange(100))
        word = (at, event_id, liked)
        self.last_words[user] = max(self.last_words.get(user, word), word)
        sent = {"userId": user, "postId": POST, "type": "like" if liked else "unlike"}
        return envelop(msgspec.Raw(msgspec.json.encode(sent)), event_id, at.isoformat(), "")


def batch_of(actions: Sequence[msgspec.Raw]) -> RecordBatch:
    """As the gateway makes it."""
    return RecordBatch("social", ACTION_FORMAT.name, actions, datetime.now(UTC), [("crowd", len(actions))])


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RunningServer]:
    """For tests that break it."""
    with servers.running(servers.redis(tmp_path)) as server:
        yield server


@pytest.fixture
async def crowd(nats_server: RunningServer) -> AsyncIterator[Crowd]:
    """Publishes as gateways do, to streams that are empty at the beginning."""
    await delete_streams(nats_server)
    connection = StreamConnection(StreamSettings(nats_url=nats_server.url), "crowd")
    stop = asyncio.Event()
    running = asyncio.create_task(connection.run(stop))
    await asyncio.wait_for(connection.ready(), 10)
    yield Crowd(StreamPublisher(connection))
    stop.set()
    await running
    await connection.close()


@pytest.fixture
def services(
    tmp_path: Path, nats_server: RunningServer, own_redis: RunningServer, database_url: str
) -> Iterator[Services]:
    with Services(tmp_path, connections(nats_server, own_redis, database_url=database_url)) as services:
        yield services


@pytest.fixture
async def look(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Reads the tables, past everything of ours."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_what_a_crowd_likes_is_counted_exactly(
    services: Services, crowd: Crowd, look: asyncpg.Connection, own_redis: RunningServer
) -> None:
    collectors = [services.collector("social", ACK_WAIT_SECONDS="2") for _ in range(2)]
    await crowd.act()
    await all_equal(crowd, look, own_redis)

    # Killed between the commit and the counters, and between the counters and what Postgres is told of that.
    for point, nth in (("before-apply", "1"), ("after-apply", "2"), ("before-apply", "3")):
        await killed_at(collectors[0], point, nth, crowd)
    await all_equal(crowd, look, own_redis)

    async with Redis.from_url(own_redis.url) as redis:
        acting = asyncio.create_task(crowd.act())
        await asyncio.sleep(0)
        await redis.flushall()
        await acting
        await redis.flushall()
    await all_equal(crowd, look, own_redis)

    acting = asyncio.create_task(crowd.act())
    own_redis.kill()
    await acting
    await postgres_equals(crowd, look)  # nobody waits for Redis
    own_redis.start()
    await all_equal(crowd, look, own_redis)


async def killed_at(collector: Process, point: str, nth: str, crowd: Crowd) -> None:
    """While the crowd acts, the collector dies there; the other goes on, and it comes back."""
    collector.terminate()
    await asyncio.to_thread(collector.wait)
    collector.wrap("tests.integration.live.crashing", point, nth)
    collector.launch()
    while collector.exit_status is None:
        await crowd.act()
    assert collector.exit_status == -9, collector.tail()
    collector.wrap()
    await asyncio.to_thread(collector.start)


async def postgres_equals(crowd: Crowd, look: asyncpg.Connection) -> None:
    async def same() -> None:
        by_people = await look.fetchval(
            "SELECT count(*) FROM social_likes WHERE post_id = $1 AND liked", POST
        )
        by_days = await look.fetchval("SELECT sum(likes) FROM social_post_days WHERE post_id = $1", POST)
        assert (by_people, by_days) == (crowd.likes, crowd.likes)

    await eventually(same, within_seconds=60)


async def all_equal(crowd: Crowd, look: asyncpg.Connection, own_redis: RunningServer) -> None:
    """Postgres, the post's own counter and the top lists say what the crowd knows."""
    await postgres_equals(crowd, look)
    assert 0 < crowd.likes < USERS
    today = datetime.now(UTC).date()

    async def same() -> None:
        async with Redis.from_url(own_redis.url, decode_responses=True) as redis:
            assert await redis.get(f"post:{POST}:likes") == str(crowd.likes)
            assert await redis.zrange("top_posts", 0, -1, withscores=True) == [(POST, crowd.likes)]
            assert await redis.zscore(f"top_posts:{today:%Y%m%d}", POST) == crowd.likes_of(today)
            assert await redis.zscore("trending_posts", POST) is not None

    await eventually(same, within_seconds=60)
