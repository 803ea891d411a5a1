"""One client: what waits for it, and first of all what it has missed.

While a client is told what it has missed, what happens meanwhile waits in its queue. When that is full it is thrown
away, and read from the stream in its turn: a client that was away for long needs no more memory than any other.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from gateway.notifications.endings import SLOW_READER, Ending
from gateway.notifications.messages import Outgoing, notification
from pipeline.chassis.tokens import Bearer
from pipeline.stream import StoredNotice, user_subject

ReadMissed = Callable[[Sequence[str], int, int], AsyncGenerator[StoredNotice]]
"""Messages of some subjects after one sequence, up to another."""


class Subscriber:
    """The hub offers, a door takes. `on_end` is called once, when the connection is to end."""

    def __init__(
        self,
        bearer: Bearer,
        queue_max: int,
        on_end: Callable[[Ending], None],
        *,
        heartbeat_seconds: float = 0.0,
    ) -> None:
        self.bearer = bearer
        self.subjects = {user_subject(bearer.user_id): ""}
        """What it is told of, by subject, with the topic; that of its user is empty."""
        self.ending: Ending | None = None
        self.heartbeat_seconds = heartbeat_seconds
        self.offered_at = asyncio.get_running_loop().time()
        self._queue_max = queue_max
        self._on_end = on_end
        self._queue: deque[Outgoing] = deque()
        self._news = asyncio.Event()
        self._greeting: Sequence[Outgoing] = ()
        self._position = 0
        self._missed: tuple[int, int] | None = None
        self._spilled = False

    def reached(self, sequence: int) -> int:
        """The `id` to come back with, once everything up to this sequence was offered and taken."""
        return max(sequence, self._position)

    def begin(self, position: int, missed: tuple[int, int] | None, greeting: Sequence[Outgoing]) -> None:
        """First comes the greeting; then what was `missed`, after one sequence and up to another; then what comes after
        `position`."""
        self._greeting = greeting
        self._position = position
        self._missed = missed

    def offer(self, message: Outgoing) -> None:
        """Called in the order of the stream, by the hub; and for what a door has to say, at any time."""
        if self.ending is not None:
            return
        if message.sequence:
            if message.sequence <= self._position:
                return
            self._position = message.sequence
            if self._spilled:
                return
        if len(self._queue) >= self._queue_max:
            if self._missed is None or not message.sequence:
                self.end(SLOW_READER)
            else:
                self._spill()
            return
        self.offered_at = asyncio.get_running_loop().time()
        self._queue.append(message)
        self._news.set()

    def restart(self, position: int) -> None:
        """The stream begins anew at this position."""
        self._position = position

    def end(self, ending: Ending) -> None:
        """What still waits is not told: the client comes back for it."""
        if self.ending is None:
            self.ending = ending
            self._queue.clear()
            self._news.set()
            self._on_end(ending)

    async def messages(
        self, read_missed: ReadMissed, sequence: Callable[[], int]
    ) -> AsyncGenerator[Outgoing]:
        """All that the client is to be told, in order, until it ends. `sequence` is how far the hub has offered.

        Raises StreamUnavailable when what it has missed cannot be read.
        """
        for message in self._greeting:
            yield message
        while self._missed is not None and self.ending is None:
            after, up_to = self._missed
            async with aclosing(read_missed(list(self.subjects), after, up_to)) as notices:
                async for notice in notices:
                    if message := notification(notice, self.subjects.get(notice.subject, "")):
                        yield message
                    if self.ending is not None:
                        return
            # Nothing is offered between here and the next reading.
            self._missed = (up_to, sequence()) if self._spilled else None
            self._spilled = False
        while self.ending is None:
            if self._queue:
                yield self._queue.popleft()
            else:
                self._news.clear()
                await self._news.wait()

    def _spill(self) -> None:
        self._spilled = True
        self._queue = deque(message for message in self._queue if not message.sequence)
