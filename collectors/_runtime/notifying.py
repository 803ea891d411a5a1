"""Tells people what the events of a source mean to them: from the rows in Postgres to NOTIFICATIONS.

It works beside collecting and never in its way: what cannot be published now waits in Postgres. A row is published
whole or not at all, and is gone from Postgres only after that; published again, it changes nothing.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress

from collectors._runtime.notifying_telemetry import NotifyingTelemetry
from pipeline.chassis.concurrency import first_of
from pipeline.chassis.tracing import TracedOccasion, following
from pipeline.errors import StreamUnavailable, TransientError
from pipeline.store.notifications import NotificationOutbox, OutboxBody
from pipeline.stream import Notice, NotificationPublisher, encode_body, topic_subject, user_subject

_ROWS_AT_ONCE = 16
_POLL_SECONDS = 1.0
"""How often to look for rows that others have left, and to delete what was published last."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0


class Notifier:
    """One collector's part. `news` is set by the event store after each commit."""

    def __init__(
        self,
        outbox: NotificationOutbox,
        publisher: NotificationPublisher,
        news: TracedOccasion,
        telemetry: NotifyingTelemetry,
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._news = news
        self._telemetry = telemetry
        self._published: list[int] = []
        self._problem = "no turn yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes until told to stop. What is left then is published by another, or after the next start."""
        pause = _FIRST_PAUSE_SECONDS
        while not stop.is_set():
            self._news.clear()
            try:
                with following(self._news.take_origins(), "tell people"):
                    found = await self._turn()
            except TransientError as error:
                self._problem = str(error)
                self._telemetry.waiting(error, pause)
                jittered = pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
                await first_of(stop.wait(), timeout_seconds=jittered)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            pause, self._problem = _FIRST_PAUSE_SECONDS, ""
            if found < _ROWS_AT_ONCE:
                await first_of(stop.wait(), self._news.wait(), timeout_seconds=_POLL_SECONDS)
        if self._published:
            with suppress(TransientError):  # published again, they change nothing
                await self._outbox.settle(self._published, 0)

    async def check(self) -> str:
        """A readiness check: what there was to tell is told."""
        if self._problem:
            raise StreamUnavailable(self._problem)
        return "told"

    async def _turn(self) -> int:
        """Publishes the next rows, and returns how many. They are deleted with the next turn."""
        rows = await self._outbox.settle(self._published, _ROWS_AT_ONCE)
        self._published = []
        for row in rows:
            notices = list(notices_of(row.body))
            await self._publisher.publish_all(notices, row.message_id)
            self._published.append(row.id)
            self._telemetry.published(len(notices))
        return len(rows)


def notices_of(body: OutboxBody) -> Iterator[Notice]:
    """What users are told, and then those who follow a post."""
    for told in body.users:
        members = {
            "kind": told.type,
            "at": told.at,
            "from": told.by,
            "postId": told.post_id,
            "text": told.text,
            "eventId": told.event_id,
        }
        known = {name: value for name, value in members.items() if value is not None}
        yield Notice(user_subject(told.to), encode_body(known))
    for post_id, likes, comments, shares in body.posts:
        changes = {"kind": "POST", "postId": post_id, "likes": likes, "comments": comments, "shares": shares}
        yield Notice(topic_subject(f"post:{post_id}"), encode_body(changes))
