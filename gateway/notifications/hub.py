"""All notifications of the stream, heard once, and handed to the clients of this process that they are for.

A notification that is for nobody here costs one look into a dictionary; a client that is told nothing costs nothing.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from gateway.notifications.endings import (
    EXPIRED,
    RESTARTING,
    TOO_MANY_CONNECTIONS,
    UNAVAILABLE,
    Ending,
    Refused,
)
from gateway.notifications.messages import gap, heartbeat, notification, ready
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.subscriber import Subscriber
from gateway.notifications.telemetry import NotificationTelemetry
from pipeline.chassis.concurrency import first_of
from pipeline.errors import StreamUnavailable
from pipeline.stream import (
    NotificationFeed,
    StoredNotice,
    StreamConnection,
    read_missed,
    topic_subject,
    user_subject,
)

_SWEEP_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
"""How long a client waits at a gateway that has just started, or has just lost NATS, before it is sent away."""


class Hub:
    """`run` is a supervised loop. `leeway_seconds` is how long a token is still good after it has expired."""

    def __init__(
        self,
        connection: StreamConnection,
        settings: NotificationSettings,
        telemetry: NotificationTelemetry,
        leeway_seconds: float = 0.0,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._telemetry = telemetry
        self._leeway_seconds = leeway_seconds
        self._feed = NotificationFeed(connection, self._receive, self._interrupted)
        self._audiences: dict[str, set[Subscriber]] = {}
        self._subscribers: set[Subscriber] = set()
        self._resuming = asyncio.Semaphore(settings.notification_resumes_at_once)
        self._stopping = False

    async def run(self, stop: asyncio.Event) -> None:
        """Passes on until told to stop; then every client is told to come back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._feed.run(stop))
            tasks.create_task(self._sweep(stop))

    async def check(self) -> str:
        """A readiness check."""
        return f"{await self._feed.check()}, {len(self._subscribers)} clients"

    @property
    def sequence(self) -> int:
        """The last message of the stream that was handed out."""
        return self._feed.sequence or 0

    async def join(self, subscriber: Subscriber, topics: Sequence[str], since: int | None) -> None:
        """From now on the subscriber is told; `ready` is its first message, and `gap` its second when `since` is gone.

        Raises Refused.
        """
        try:
            await self._feed.until_live(_PATIENCE_SECONDS)
            bounds = None if since is None else await self._feed.bounds(to_hold=since)
        except StreamUnavailable:
            raise Refused(UNAVAILABLE) from None
        if self._stopping:
            raise Refused(RESTARTING)
        own = self._audiences.get(user_subject(subscriber.bearer.user_id), ())
        if len(own) >= self._settings.notification_connections_per_user:
            raise Refused(TOO_MANY_CONNECTIONS)
        # No other can run from here on: what is handed out later is offered, what was handed out before is read.
        sequence, lost = self.sequence, ""
        after = sequence if since is None else since
        if bounds and after > max(bounds.last, sequence):
            after, lost = sequence, "unknown"
        elif bounds and after < bounds.first - 1:
            after, lost = bounds.first - 1, "expired"
        subscriber.subjects |= {topic_subject(topic): topic for topic in topics}
        bearer = subscriber.bearer
        greeting = [
            ready(after, bearer.user_id, topics, bearer.expires_at),
            *([gap(after, lost)] if lost else []),
        ]
        subscriber.begin(max(after, sequence), (after, sequence) if after < sequence else None, greeting)
        self._subscribers.add(subscriber)
        for subject in subscriber.subjects:
            self._audiences.setdefault(subject, set()).add(subscriber)
        self._telemetry.joined(len(self._subscribers), since is not None, lost)

    def leave(self, subscriber: Subscriber) -> None:
        """It is told nothing any more. Does no harm when it never joined."""
        for subject in subscriber.subjects:
            self._forget(subject, subscriber)
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)
            self._telemetry.left(len(self._subscribers), subscriber.ending)

    def follow(self, subscriber: Subscriber, topic: str) -> None:
        """It is told of the topic, too."""
        subject = topic_subject(topic)
        subscriber.subjects[subject] = topic
        self._audiences.setdefault(subject, set()).add(subscriber)

    def unfollow(self, subscriber: Subscriber, topic: str) -> None:
        """It is told of the topic no more."""
        subject = topic_subject(topic)
        if subscriber.subjects.pop(subject, None) is not None:
            self._forget(subject, subscriber)

    async def read_missed(
        self, subjects: Sequence[str], after: int, up_to: int
    ) -> AsyncGenerator[StoredNotice]:
        """As `pipeline.stream.read_missed`, for a bounded number of clients at the same time."""
        async with aclosing(read_missed(self._connection, subjects, after, up_to)) as notices:
            while True:
                # Not held while the client takes it: a slow one keeps nobody waiting.
                async with self._resuming:
                    notice = await anext(notices, None)
                if notice is None:
                    return
                yield notice

    def _receive(self, notice: StoredNotice) -> bool:
        audience = self._audiences.get(notice.subject)
        if not audience:
            return False
        topic = next(iter(audience)).subjects.get(notice.subject, "")
        message = notification(notice, topic)
        if message is None:
            self._telemetry.malformed(notice.sequence)
            return False
        for subscriber in tuple(audience):
            subscriber.offer(message)
        self._telemetry.told(len(audience))
        return True

    def _interrupted(self) -> None:
        """What everybody was to be told next is gone, and the numbers may begin anew."""
        for subscriber in tuple(self._subscribers):
            subscriber.restart(self.sequence)
            subscriber.offer(gap(self.sequence, "lost"))

    def _forget(self, subject: str, subscriber: Subscriber) -> None:
        audience = self._audiences.get(subject)
        if audience is not None:
            audience.discard(subscriber)
            if not audience:
                del self._audiences[subject]

    async def _sweep(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            now, here = time.time() - self._leeway_seconds, loop.time()
            for subscriber in tuple(self._subscribers):
                if subscriber.bearer.expires_at <= now:
                    subscriber.end(EXPIRED)
                elif 0 < subscriber.heartbeat_seconds <= here - subscriber.offered_at:
                    subscriber.offer(heartbeat(subscriber.reached(self.sequence)))
            await first_of(stop.wait(), timeout_seconds=_SWEEP_SECONDS)
        self._stopping = True
        self._end_all(RESTARTING)

    def _end_all(self, ending: Ending) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber.end(ending)
