"""Likes of people and of programs, as records that a collector stores."""

import itertools
import json
import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from collectors.social import ACTION_FORMAT
from collectors.social.events import envelop
from pipeline.events.reasons import Rejection
from pipeline.events.record import EventRecord
from tests.integration.alerts.conftest import NOON

_numbers = itertools.count(1)
PEOPLE = [f"person-{number}" for number in range(600)]


def action(kind: str, user: str, at: datetime, *, address: str = "", **members: str) -> EventRecord:
    """With a new id."""
    sent = {"type": kind, "userId": user, **members}
    event_id = f"a-{next(_numbers)}"
    raw = envelop(msgspec.Raw(json.dumps(sent).encode()), event_id, at.isoformat(), address)
    event = ACTION_FORMAT.judge(raw, at)
    assert not isinstance(event, Rejection), event
    return ACTION_FORMAT.to_record(event, raw, at)


def acquainted() -> list[EventRecord]:
    """Everybody was seen days ago."""
    return [action("follow", user, NOON - timedelta(days=3), targetUserId="somebody") for user in PEOPLE]


def usual_likes(rng: random.Random) -> list[EventRecord]:
    """The likes of the last three hours, of thirty posts, each person from their own address."""
    return [
        like(user, f"usual-{rng.randrange(30)}", NOON - timedelta(seconds=rng.randrange(3 * 3600)))
        for user in PEOPLE
    ]


def like(user: str, post: str, at: datetime, address: str = "") -> EventRecord:
    return action("like", user, at, address=address or f"home-of-{user}", postId=post)


def likes_over(
    rng: random.Random, users: Sequence[str], post: str, start: datetime, minutes: float, address: str = ""
) -> list[EventRecord]:
    """One like of each, at random within the time, in its order."""
    offsets = sorted(rng.uniform(0, minutes * 60) for _ in users)
    return [
        like(user, post, start + timedelta(seconds=offset), address)
        for user, offset in zip(users, offsets, strict=True)
    ]


def by_minute(actions: Iterable[EventRecord]) -> list[tuple[datetime, list[EventRecord]]]:
    """The actions of each minute, with the end of it."""
    minutes: dict[datetime, list[EventRecord]] = {}
    for record in actions:
        minutes.setdefault(record.occurred_at.replace(second=0, microsecond=0), []).append(record)
    return [(minute + timedelta(seconds=59), minutes[minute]) for minute in sorted(minutes)]
