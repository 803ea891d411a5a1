"""The check after a run: is every accepted action stored once and right, and do the reports on posts tell the truth?"""

import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from pipeline.errors import TransientError
from publisher.account import KEPT_OFFENDERS, Account
from publisher.database import open_database, patiently
from publisher.ledger import Offence, Offender
from publisher.reports import Reports, TimeRange
from publisher.settings import Settings
from publisher.social.alarm import Alarm
from publisher.social.comparison import compare_post, compare_top
from publisher.social.ledger import ActionLedger, StoredAction
from publisher.social.society import post_prefix, user_prefix
from publisher.social.stored import read_actions
from publisher.social.truth import Figures, PostTruth
from publisher.stored import Queryable
from publisher.summary import Verification

SOURCE = "social"

Note = Callable[[str], None]

_MARGIN_MS = 120_000
_TOP_POSTS = 100
_MOST_LIKED = 300
_OTHERS = 200
"""So many posts are asked for one by one: those with the most likes, and others by chance."""


class SocialVerifier:
    """Checks one run. `database` is for tests; by default Postgres."""

    def __init__(
        self,
        settings: Settings,
        tag: str,
        reports: Reports,
        alarm: Alarm,
        *,
        database: Queryable | None = None,
    ) -> None:
        self._settings = settings
        self._tag = tag
        self._reports = reports
        self._alarm = alarm
        self._database = database

    async def prepare(self) -> None:
        """Before the run. Raises TransientError when the database is away."""
        async with self._open() as database:
            await database.query("SELECT 1 AS one")

    async def verify(self, account: Account, ledger: ActionLedger, attacked: str, note: Note) -> Verification:
        """After the run. Never raises because of what it finds or cannot reach: that is an offender."""
        deadline = time.monotonic() + self._settings.verify_timeout_seconds
        offenders, began = list(account.offenders), time.monotonic()
        if account.earliest_ms is None or account.latest_ms is None:
            return Verification(0, 0, 0.0, False, "nothing was sent", len(offenders), offenders)
        latest_ms = max(account.latest_ms, int(time.time() * 1000))
        time_range = account.earliest_ms - 1, latest_ms + _MARGIN_MS
        offenders += await self._incomplete(account, time_range, deadline, note)
        waited = time.monotonic() - began
        note(f"reading back what is stored after {waited:.1f} s")
        stored: Sequence[StoredAction] = ()
        is_compared = False
        try:
            stored = await patiently(lambda: self._read(time_range), deadline)
            offenders += ledger.compare(stored)
            note(f"{len(stored)} actions read; asking for the posts")
            offenders += await self._compare_posts(ledger.truth(stored))
            offenders += await self._false_alarms(attacked)
            is_compared = True
        except TransientError as error:
            offenders.append(Offender(Offence.NOT_COMPLETE, "database", str(error)))
        except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
            offenders.append(Offender(Offence.NOT_COMPLETE, "reports", f"{type(error).__name__}: {error}"))
        kept = offenders[:KEPT_OFFENDERS]
        return Verification(len(stored), 0, round(waited, 3), is_compared, "", len(offenders), kept)

    async def _incomplete(
        self, account: Account, time_range: TimeRange, deadline: float, note: Note
    ) -> list[Offender]:
        if account.last_answer_at is None:
            return []
        note("waiting until the reports are complete")
        problem = await self._reports.wait_for(SOURCE, account.last_answer_at, time_range, deadline)
        return [] if problem is None else [Offender(Offence.NOT_COMPLETE, f"reports of {SOURCE}", problem)]

    async def _compare_posts(self, truth: PostTruth) -> list[Offender]:
        prefix, figures = post_prefix(self._tag), truth.figures()
        offenders: list[Offender] = []
        for post in _chosen([post for post in truth.by_likes() if post.startswith(prefix)]):
            offenders += await self._compare_post(post, figures[post])
        today = datetime.now(UTC).date()
        all_likes = {post: counts.likes for post, counts in figures.items() if counts.likes}
        for window, likes in (("all", all_likes), ("day", truth.likes_of_day(today))):
            filters = {"window": window, "limit": str(_TOP_POSTS)}
            filters |= {"date": today.isoformat()} if window == "day" else {}
            rows = (await self._reports.ask("/posts/top", **filters)).json()
            ours = {post: count for post, count in likes.items() if post.startswith(prefix)}
            offenders += compare_top(window, rows, _TOP_POSTS, prefix, ours)
        return offenders

    async def _compare_post(self, post: str, figures: Figures) -> Iterator[Offender]:
        try:
            answer = await self._reports.ask(f"/posts/{post}", days="1")
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 404:
                raise
            return compare_post(post, None, figures)
        return compare_post(post, answer.json(), figures)

    async def _false_alarms(self, attacked: str) -> list[Offender]:
        return [
            Offender(Offence.FALSE_ALARM, alert.subject, f"raised by {alert.rule}")
            for alert in await self._alarm.false_alarms(attacked)
        ]

    async def _read(self, time_range: TimeRange) -> list[StoredAction]:
        async with self._open() as database:
            return await read_actions(database, user_prefix(self._tag), *time_range)

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Queryable]:
        if self._database is not None:
            yield self._database
            return
        async with open_database(self._settings.database_url or "") as database:
            yield database


def _chosen(posts: Sequence[str]) -> list[str]:
    """The most liked, and some of the others: the same ones every time."""
    others = posts[_MOST_LIKED:]
    return [*posts[:_MOST_LIKED], *random.Random(len(posts)).sample(others, min(len(others), _OTHERS))]
