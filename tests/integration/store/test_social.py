"""What social actions make of posts, likes and follows: the same rows, whatever order they come in."""

import asyncio
import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from collectors.social import ACTION_FORMAT
from collectors.social.events import envelop
from pipeline.events.reasons import Rejection
from pipeline.events.record import EventRecord
from pipeline.store import Database, EventStore
from pipeline.store.social import SOCIAL
from tests.integration.store.conftest import OpenDatabase
from tests.integration.store.records import NOON

_numbers = itertools.count(1)


def action(kind: str, user: str, at: datetime = NOON, event_id: str = "", **members: str) -> EventRecord:
    sent = {"type": kind, "userId": user, **members}
    event_id = event_id or f"a-{next(_numbers)}"
    raw = envelop(msgspec.Raw(json.dumps(sent).encode()), event_id, at.isoformat(), "")
    event = ACTION_FORMAT.judge(raw, at)
    assert not isinstance(event, Rejection), event
    return ACTION_FORMAT.to_record(event, raw, at)


@pytest.fixture
def store(database: Database) -> EventStore:
    return EventStore(database, "social", asyncio.Event(), SOCIAL)


async def likes_of(look: asyncpg.Connection, post: str) -> tuple[int, int]:
    """By the sums of the days, and by who likes it."""
    by_days = await look.fetchval(
        "SELECT coalesce(sum(likes), 0) FROM social_post_days WHERE post_id = $1", post
    )
    by_people = await look.fetchval("SELECT count(*) FROM social_likes WHERE post_id = $1 AND liked", post)
    return int(by_days or 0), int(by_people or 0)


async def test_liking_twice_counts_once_and_the_last_word_wins(
    store: EventStore, look: asyncpg.Connection
) -> None:
    later, latest = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    await store.write([action("like", "u-1", postId="p-1"), action("like", "u-1", later, postId="p-1")])
    assert await likes_of(look, "p-1") == (1, 1)

    await store.write([action("unlike", "u-1", latest, postId="p-1")])
    assert await likes_of(look, "p-1") == (0, 0)

    await store.write([action("like", "u-1", NOON + timedelta(minutes=90), postId="p-1")])
    assert await likes_of(look, "p-1") == (0, 0), "it came last and was said earlier"


async def test_a_like_counts_on_the_day_of_the_last_word(store: EventStore, look: asyncpg.Connection) -> None:
    tomorrow = NOON + timedelta(days=1)
    await store.write([action("like", "u-1", postId="p-1")])
    await store.write([action("like", "u-1", tomorrow, postId="p-1")])

    rows = await look.fetch("SELECT day, sum(likes) AS likes FROM social_post_days GROUP BY day ORDER BY day")

    assert [(row["day"], row["likes"]) for row in rows] == [(NOON.date(), 0), (tomorrow.date(), 1)]


async def test_posts_comments_shares_and_follows(store: EventStore, look: asyncpg.Connection) -> None:
    await store.write(
        [
            action("comment", "u-2", postId="p-1", text="first!"),
            action("post", "u-1", postId="p-1", text="hello"),
            action("post", "u-3", NOON + timedelta(seconds=1), postId="p-1", text="not mine"),
            action("share", "u-2", postId="p-1"),
            action("follow", "u-2", targetUserId="u-1"),
        ]
    )

    post = await look.fetchrow("SELECT user_id, text FROM social_posts WHERE post_id = 'p-1'")
    assert post is not None
    assert tuple(post) == ("u-1", "hello")
    assert await look.fetchval("SELECT text FROM social_comments") == "first!"
    assert await look.fetchval("SELECT following FROM social_follows WHERE target_user_id = 'u-1'")
    sums = await look.fetchrow(
        "SELECT sum(comments), sum(shares) FROM social_post_days WHERE post_id = 'p-1'"
    )
    assert sums is not None
    assert tuple(sums) == (1, 1)


async def test_nobody_takes_a_post_over_by_claiming_to_have_been_earlier(
    store: EventStore, look: asyncpg.Connection
) -> None:
    await store.write([action("post", "u-1", postId="p-1")])

    await store.write([action("post", "u-2", NOON - timedelta(days=1), postId="p-1")])

    assert await look.fetchval("SELECT user_id FROM social_posts") == "u-1"


async def test_what_the_ledger_knows_changes_nothing(store: EventStore, look: asyncpg.Connection) -> None:
    batch = [
        action("post", "u-1", postId="p-1"),
        action("like", "u-2", postId="p-1"),
        action("share", "u-3", postId="p-1"),
    ]
    await store.write(batch)
    before = await everything(look)

    assert (await store.write(batch)).duplicates == 3

    assert await everything(look) == before


async def test_the_owner_of_a_post_is_told_and_nobody_of_what_they_did_themselves(
    store: EventStore, look: asyncpg.Connection
) -> None:
    await store.write([action("post", "u-1", postId="p-1")])
    await store.write(
        [
            action("like", "u-2", postId="p-1"),
            action("like", "u-1", postId="p-1"),
            action("comment", "u-3", postId="p-1", text="so true"),
            action("follow", "u-3", targetUserId="u-1"),
            action("like", "u-2", postId="p-of-nobody"),
        ]
    )

    told = await notices(look)

    assert {(n["type"], n["to"], n["from"], n["postId"], n["text"]) for n in told} == {
        ("LIKE", "u-1", "u-2", "p-1", None),
        ("COMMENT", "u-1", "u-3", "p-1", "so true"),
        ("FOLLOW", "u-1", "u-3", None, None),
    }


async def test_the_same_actions_in_any_order_from_any_writers_leave_the_same_rows(
    open_database: OpenDatabase, look: asyncpg.Connection
) -> None:
    rng = random.Random(7)
    stores = [EventStore(await open_database(), "social", asyncio.Event(), SOCIAL) for _ in range(3)]
    actions = [random_action(rng) for _ in range(1500)]
    sent = actions + rng.choices(actions, k=500)
    rng.shuffle(sent)
    batches = [sent[i : i + 100] for i in range(0, len(sent), 100)]

    async def write(store: EventStore, mine: Sequence[list[EventRecord]]) -> None:
        for batch in mine:
            await store.write(batch)

    await asyncio.gather(*(write(store, batches[i::3]) for i, store in enumerate(stores)))

    likes, days, follows = truth(actions)
    rows = await look.fetch("SELECT post_id, user_id FROM social_likes WHERE liked")
    assert {(row["post_id"], row["user_id"]) for row in rows} == likes
    rows = await look.fetch(
        "SELECT post_id, day, sum(likes) AS likes FROM social_post_days GROUP BY 1, 2 HAVING sum(likes) <> 0"
    )
    assert {(row["post_id"], row["day"]): row["likes"] for row in rows} == days
    rows = await look.fetch("SELECT user_id, target_user_id FROM social_follows WHERE following")
    assert {(row["user_id"], row["target_user_id"]) for row in rows} == follows


def random_action(rng: random.Random) -> EventRecord:
    kind = rng.choice(("like", "like", "like", "unlike", "follow", "unfollow", "share"))
    at = NOON + timedelta(seconds=rng.randrange(3 * 86400))
    other = (
        {"targetUserId": f"u-{rng.randrange(5)}"} if "follow" in kind else {"postId": f"p-{rng.randrange(4)}"}
    )
    return action(kind, f"u-{rng.randrange(20)}", at, **other)


def truth(actions: Sequence[EventRecord]) -> tuple[set[Any], dict[Any, int], set[Any]]:
    """The plain way: the last word of everybody on everything."""
    last: dict[Any, tuple[Any, str]] = {}
    for record in actions:
        sent = json.loads(bytes(record.payload))["action"]
        about = "follow" if "follow" in record.event_type else "like"
        if record.event_type == "share":
            continue
        key = (about, sent.get("postId") or sent.get("targetUserId"), record.user_id)
        word = ((record.occurred_at, record.event_id), record.event_type)
        last[key] = max(last.get(key, word), word)
    likes = {
        (post, user) for (about, post, user), (_, kind) in last.items() if about == "like" and kind == "like"
    }
    follows = {
        (user, to) for (about, to, user), (_, kind) in last.items() if about == "follow" and kind == "follow"
    }
    days: dict[Any, int] = Counter(
        (post, when[0].date())
        for (about, post, _), (when, kind) in last.items()
        if about == "like" and kind == "like"
    )
    return likes, dict(days), follows


async def notices(look: asyncpg.Connection) -> list[dict[str, Any]]:
    rows = await look.fetch("SELECT body FROM notification_outbox ORDER BY id")
    return [notice for row in rows for notice in json.loads(row["body"])["users"]]


async def everything(look: asyncpg.Connection) -> dict[str, list[Any]]:
    tables = ("social_posts", "social_likes", "social_post_days", "notification_outbox", "live_updates")
    found: dict[str, list[Any]] = defaultdict(list)
    for table in tables:
        found[table] = [tuple(row) for row in await look.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]
    return found


async def test_nobody_is_kept_for_reports_on_people_of_whom_nothing_is_known(
    store: EventStore, look: asyncpg.Connection
) -> None:
    await store.write([action("like", "u-1", postId="p-1")])
    assert await look.fetchval("SELECT count(*) FROM audience_segments") == 0


async def test_who_likes_is_told_even_where_another_unlikes_at_the_same_time(
    store: EventStore, look: asyncpg.Connection
) -> None:
    await store.write([action("post", "u-1", postId="p-1"), action("like", "u-2", postId="p-1")])
    later = NOON + timedelta(hours=1)
    await store.write(
        [action("like", "u-3", later, postId="p-1"), action("unlike", "u-2", later, postId="p-1")]
    )
    assert await likes_of(look, "p-1") == (1, 1)
    assert [(n["type"], n["from"]) for n in await notices(look)] == [("LIKE", "u-2"), ("LIKE", "u-3")]
