"""Made-up social actions, and what is true of posts after them, computed the plain way."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec

from collectors.social import ACTION_FORMAT
from collectors.social.events import envelop
from pipeline.events.reasons import Rejection
from pipeline.events.record import EventRecord
from pipeline.store import Database, EventStore
from pipeline.store.social import SOCIAL

Sums = tuple[int, int, int]
"""Likes, comments and shares."""


def action(kind: str, user: str, at: datetime, event_id: str, **members: str) -> EventRecord:
    sent = {"type": kind, "userId": user, **members}
    raw = envelop(msgspec.Raw(json.dumps(sent).encode()), event_id, at.isoformat(), "")
    event = ACTION_FORMAT.judge(raw, at)
    assert not isinstance(event, Rejection), event
    return ACTION_FORMAT.to_record(event, raw, at)


def make_actions(count: int, seed: int, begin: datetime, span: timedelta, posts: int) -> list[EventRecord]:
    """In random order of time. A few posts get most of it, and many people change their minds."""
    rng = random.Random(seed)
    weights = [1 / rank for rank in range(1, posts + 1)]
    made = [
        action(
            "post", f"author-{post}", begin, f"{seed}-post-{post}", postId=f"p-{post}", text=f"text {post}"
        )
        for post in range(0, posts, 2)
    ]
    for number in range(count):
        [post] = rng.choices(range(posts), weights)
        kind = rng.choice(("like", "like", "like", "unlike", "comment", "share"))
        text = {"text": "so true"} if kind == "comment" else {}
        at = begin + timedelta(seconds=rng.randrange(int(span.total_seconds())))
        made.append(
            action(kind, f"u-{rng.randrange(200)}", at, f"{seed}-{number}", postId=f"p-{post}", **text)
        )
    rng.shuffle(made)
    return made


async def store(
    database: Database, actions: Sequence[EventRecord], writers: int = 3, batch: int = 150
) -> None:
    """As several collectors would, some batches twice."""
    stores = [EventStore(database, "social", projection=SOCIAL) for _ in range(writers)]
    for at in range(0, len(actions), batch):
        for again in range(1 + (at // batch % 4 == 0)):
            await stores[(at // batch + again) % writers].write(actions[at : at + batch])


def sums_by_day(actions: Iterable[EventRecord]) -> Mapping[str, Mapping[date, Sums]]:
    """By post and day: the last word of everybody, and every comment and share."""
    last: dict[tuple[str, str | None], tuple[datetime, str, str]] = {}
    counted: dict[str, Counter[tuple[date, str]]] = defaultdict(Counter)
    for record in {record.event_id: record for record in actions}.values():
        post = json.loads(bytes(record.payload))["action"]["postId"]
        if record.event_type in ("like", "unlike"):
            word = (record.occurred_at, record.event_id, record.event_type)
            last[post, record.user_id] = max(last.get((post, record.user_id), word), word)
        elif record.event_type != "post":
            counted[post][record.occurred_at.date(), record.event_type] += 1
    for (post, _), (at, _, kind) in last.items():
        if kind == "like":
            counted[post][at.date(), "like"] += 1
    return {
        post: {
            day: (kinds[day, "like"], kinds[day, "comment"], kinds[day, "share"])
            for day in {day for day, _ in kinds}
        }
        for post, kinds in counted.items()
    }


def added(sums: Iterable[Sums]) -> Sums:
    likes, comments, shares = 0, 0, 0
    for like, comment, share in sums:
        likes, comments, shares = likes + like, comments + comment, shares + share
    return likes, comments, shares
