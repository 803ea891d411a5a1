# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""All that people are told, as it happens and in order, for a process that passes it on.

One consumer of the whole stream, which vanishes with the process. It is made anew where it broke off after anything
that may have cost a message: a gap in its numbers, silence, a new connection.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamState

from pipeline.chassis.concurrency import first_of
from pipeline.errors import StreamUnavailable
from pipeline.stream.connection import StreamConnection
from pipeline.stream.topology import NOTIFICATIONS

log = structlog.get_logger()

_HEARTBEAT_SECONDS = 2.0
_SILENT_AFTER_SECONDS = 3 * _HEARTBEAT_SECONDS
_LOOK_SECONDS = 0.25
_RETRY_SECONDS = 0.5
_BOUNDS_KEPT_SECONDS = 1.0
_TOLD_AT_ONCE = 16
"""What a transaction tells comes as a burst. After each message everything else would get its turn before the next."""


class StoredNotice(NamedTuple):
    """A message of the stream. `sequence` grows with every message of the stream, whomever it is for."""

    sequence: int
    subject: str
    body: bytes


class Bounds(NamedTuple):
    """What the stream holds: from the first sequence to the last one; first = last + 1 when it holds nothing."""

    first: int
    last: int


class NotificationFeed:
    """`run` is a supervised loop. `receive` gets every message once, in order, and says whether anybody cared.

    `interrupted` is called when messages are gone for good, because the stream was made anew or they were away for too
    long. `sequence` is the last message that was received; None until it is known where the stream ends.
    """

    def __init__(
        self,
        connection: StreamConnection,
        receive: Callable[[StoredNotice], bool],
        interrupted: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._receive = receive
        self._interrupted = interrupted
        self.sequence: int | None = None
        self._consumed = 0
        self._consumer = ""
        self._told = 0
        self._heard_at = 0.0
        self._reconnects = -1
        self._broken = asyncio.Event()
        self._begun = asyncio.Event()
        self._bounds = Bounds(1, 0)
        self._bounds_at = 0.0

    @property
    def is_live(self) -> bool:
        """What is published now is received."""
        return (
            self.sequence is not None
            and not self._broken.is_set()
            and self._reconnects == self._connection.reconnects
            and time.monotonic() - self._heard_at < _SILENT_AFTER_SECONDS
        )

    async def until_live(self, timeout_seconds: float) -> None:
        """Returns when it is live. Raises StreamUnavailable when it is not in time."""
        if self.is_live:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                while not self.is_live:
                    self._begun.clear()
                    await self._begun.wait()
        except TimeoutError:
            raise StreamUnavailable("notifications do not come in") from None

    async def run(self, stop: asyncio.Event) -> None:
        """Receives until told to stop."""
        await first_of(stop.wait(), self._connection.ready())
        subscription: Subscription | None = None
        self._broken.set()
        while not stop.is_set():
            pause = _LOOK_SECONDS
            if not self.is_live:
                try:
                    old, subscription = subscription, None
                    subscription = await self._begin(old)
                except (NatsError, StreamUnavailable, TimeoutError) as error:
                    log.warning("notifications_interrupted", error=str(error) or type(error).__name__)
                    self._broken.set()
                    pause = _RETRY_SECONDS
            waits = [stop.wait()] if self._broken.is_set() else [stop.wait(), self._broken.wait()]
            await first_of(*waits, timeout_seconds=pause)
        if subscription is not None:
            with suppress(NatsError, OSError, TimeoutError):
                await subscription.unsubscribe()

    async def check(self) -> str:
        """A readiness check."""
        if not self.is_live:
            raise StreamUnavailable("notifications do not come in")
        return f"at {self.sequence}"

    async def bounds(self, *, to_hold: int = 0) -> Bounds:
        """What the stream holds, at most a second ago; just now when it did not hold this sequence then.

        Raises StreamUnavailable.
        """
        if self._bounds.last < to_hold or time.monotonic() - self._bounds_at > _BOUNDS_KEPT_SECONDS:
            try:
                state = (await self._connection.jetstream.stream_info(NOTIFICATIONS)).state
            except (NatsError, TimeoutError) as error:
                raise StreamUnavailable(f"NATS: {str(error) or type(error).__name__}") from error
            self._remember(state)
        return self._bounds

    def _remember(self, state: StreamState) -> None:
        # An empty stream that has never held anything says that it begins at 0.
        self._bounds = Bounds(max(state.first_seq, 1), state.last_seq)
        self._bounds_at = time.monotonic()

    async def _begin(self, old: Subscription | None) -> Subscription:
        """Takes up where it broke off."""
        if old is not None:
            with suppress(NatsError):
                await old.unsubscribe()
        reconnects = self._connection.reconnects
        jetstream, client = self._connection.jetstream, self._connection.client
        self._remember((await jetstream.stream_info(NOTIFICATIONS)).state)
        self._find_position(self._bounds)
        # The first messages may come before the answer that there is a consumer.
        self._consumed = 0
        self._consumer = f"feed-{uuid.uuid4().hex}"
        self._broken.clear()
        subscription = await client.subscribe(client.new_inbox(), cb=self._on_message)
        try:
            await jetstream.add_consumer(NOTIFICATIONS, self._consumer_config(subscription.subject))
        except BaseException:
            await subscription.unsubscribe()
            raise
        self._heard_at = time.monotonic()
        self._reconnects = reconnects
        self._begun.set()
        log.info("notifications_followed", after=self.sequence)
        return subscription

    def _consumer_config(self, inbox: str) -> ConsumerConfig:
        return ConsumerConfig(
            name=self._consumer,
            deliver_subject=inbox,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=(self.sequence or 0) + 1,
            ack_policy=AckPolicy.NONE,
            max_deliver=1,
            flow_control=True,
            idle_heartbeat=_HEARTBEAT_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )

    def _find_position(self, bounds: Bounds) -> None:
        if self.sequence is None:
            self.sequence = bounds.last
        elif not bounds.first - 1 <= self.sequence <= bounds.last:
            # The stream is another one than it was, or what came next is gone already.
            log.warning("notifications_lost", after=self.sequence, first=bounds.first, last=bounds.last)
            self.sequence = bounds.first - 1
            self._interrupted()

    async def _on_message(self, message: Msg) -> None:
        self._heard_at = time.monotonic()
        headers = message.headers or {}
        if headers.get("Status"):
            # A sign of life, or the question whether we keep up.
            question = message.reply or headers.get("Nats-Consumer-Stalled")
            if question:
                await self._connection.client.publish(question, b"")
            return
        metadata = message.metadata
        if self._broken.is_set() or metadata.consumer != self._consumer:
            return
        sequence = metadata.sequence
        if sequence.consumer != self._consumed + 1:
            self._broken.set()
            return
        self._consumed += 1
        self.sequence = sequence.stream
        if self._receive(StoredNotice(sequence.stream, message.subject, message.data)):
            self._told += 1
            if self._told % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)  # those who were told get a turn to pass it on
