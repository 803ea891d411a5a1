# pyright: reportUnknownMemberType=false
# nats-py leaves the parameters that it passes on untyped.
"""A durable pull consumer whose pulls cannot be orphaned.

Each pull has its own reply subject, so that the end of one is never taken for the end of another. A pull that
neither delivers nor beats is given up and made anew: after a reconnection the server knows nothing of it (nats.py
#933, #986 tell of fetches that waited for ever).
"""

import asyncio
import json
import time
from contextlib import suppress

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from pipeline.errors import StreamUnavailable
from pipeline.stream.connection import StreamConnection
from pipeline.stream.delivery import Delivery
from pipeline.stream.pulls import OpenPulls
from pipeline.stream.state import Backlog, read_backlog
from pipeline.stream.topology import EVENTS, consumer_name, events_subject

log = structlog.get_logger()

_PULL_EXPIRES_SECONDS = 30.0
_HEARTBEAT_SECONDS = 2.0
_END_SECONDS = 1.0
_NANOSECOND = 1_000_000_000
# What a message without a payload of ours says. "No messages" and "request timeout" end a pull in the ordinary way.
_HEARTBEAT = "100"
_NO_RESPONDERS = "503"
_ORDINARY_ENDS = ("404", "408")


class BatchConsumer:
    """Pulls the record batches of one source. `run` is a supervised loop; `next` hands out what it pulled."""

    def __init__(
        self,
        connection: StreamConnection,
        source: str,
        *,
        prefetch: int,
        ack_wait_seconds: float,
        max_ack_pending: int,
    ) -> None:
        self._connection = connection
        self._source = source
        self.name = consumer_name(source)
        self._prefetch = prefetch
        self._config = ConsumerConfig(
            # With a name and a filter both are part of the request's subject, so that a server can allow just this one.
            name=self.name,
            durable_name=self.name,
            filter_subject=events_subject(source),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_seconds,
            # No outage, however long, may use deliveries up (DESIGN D10).
            max_deliver=-1,
            max_ack_pending=max_ack_pending,
        )
        self._buffer: asyncio.Queue[Delivery] = asyncio.Queue()
        self._pulls = OpenPulls()
        self._room = asyncio.Event()
        self._pulling_ended = asyncio.Event()
        self._pulling_ended.set()
        self._unsettled: set[Delivery] = set()
        self._keep_alive_seconds = ack_wait_seconds / 3
        self._kept_alive_at = time.monotonic()

    async def next(self) -> Delivery:
        """The next delivery, as soon as there is one."""
        delivery = await self._buffer.get()
        self._note_room()
        return delivery

    def next_nowait(self) -> Delivery | None:
        """A delivery that is already here, or None."""
        if self._buffer.empty():
            return None
        delivery = self._buffer.get_nowait()
        self._note_room()
        return delivery

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps about `prefetch` deliveries on hand or on their way, and alive while they wait."""
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait(
            {stopping, ready := asyncio.create_task(self._connection.ready())}, return_when="FIRST_COMPLETED"
        )
        ready.cancel()
        subscription: Subscription | None = None
        reconnects = -1
        self._pulling_ended.clear()
        try:
            while not stop.is_set():
                try:
                    if subscription is None or reconnects != self._connection.reconnects or self._is_silent:
                        reconnects = self._connection.reconnects
                        old, subscription = subscription, None
                        subscription = await self._begin(old)
                    await self._pull(subscription)
                    await self._keep_alive()
                except (NatsError, StreamUnavailable, TimeoutError) as error:
                    log.warning("pull_failed", consumer=self.name, error=str(error) or type(error).__name__)
                    reconnects = -1
                    await asyncio.wait({stopping}, timeout=0.5)
                    continue
                self._room.clear()
                room = asyncio.create_task(self._room.wait())
                await asyncio.wait(
                    {room, stopping}, timeout=_HEARTBEAT_SECONDS, return_when="FIRST_COMPLETED"
                )
                room.cancel()
            await self._end_pulling(subscription)
        finally:
            self._pulling_ended.set()

    async def release(self) -> None:
        """Gives back at once what was delivered and not settled. Call it when nobody works on it any more."""
        # While this process still pulls it would get back what it gives back.
        await self._pulling_ended.wait()
        for delivery in list(self._unsettled):
            try:
                await delivery.nak()
            except NatsError:
                return  # not connected: the acknowledgement's deadline gives them back

    async def lag(self) -> Backlog:
        """What of the source is not acknowledged yet, by any of its collectors. Raises StreamUnavailable."""
        return await read_backlog(self._connection.jetstream, self._source, self.name)

    async def _begin(self, old: Subscription | None) -> Subscription:
        """Ensures the consumer and starts over with a fresh inbox: nothing that was asked before is waited for."""
        if old is not None:
            await old.unsubscribe()
        await self._connection.jetstream.add_consumer(EVENTS, self._config)
        client = self._connection.client
        self._pulls.forget()
        return await client.subscribe(f"{client.new_inbox()}.*", cb=self._on_message)

    async def _end_pulling(self, subscription: Subscription | None) -> None:
        """Nothing is delivered afterwards, and what was already under way has arrived."""
        if subscription is None:
            return
        with suppress(NatsError, OSError, TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await subscription.drain()

    async def _keep_alive(self) -> None:
        """What waits in this process, for Postgres perhaps, must not be delivered to another meanwhile."""
        if time.monotonic() - self._kept_alive_at < self._keep_alive_seconds:
            return
        self._kept_alive_at = time.monotonic()
        for delivery in list(self._unsettled):
            await delivery.keep_alive()

    @property
    def _is_silent(self) -> bool:
        return self._pulls.are_silent(3 * _HEARTBEAT_SECONDS)

    @property
    def _wanted(self) -> int:
        """Messages to ask for; 0 while it is too few to be worth a request."""
        wanted = self._prefetch - self._buffer.qsize() - self._pulls.owed
        return wanted if wanted >= max(1, self._prefetch // 4) else 0

    def _note_room(self) -> None:
        if self._wanted:
            self._room.set()

    async def _pull(self, subscription: Subscription) -> None:
        wanted = self._wanted
        if not wanted:
            return
        request = {
            "batch": wanted,
            "expires": int(_PULL_EXPIRES_SECONDS * _NANOSECOND),
            "idle_heartbeat": int(_HEARTBEAT_SECONDS * _NANOSECOND),
        }
        reply = self._pulls.begin(subscription.subject.removesuffix(".*"), wanted)
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{self.name}"
        await self._connection.client.publish(subject, json.dumps(request).encode(), reply=reply)

    async def _on_message(self, message: Msg) -> None:
        self._pulls.heard()
        if message.reply:
            self._pulls.count_delivery()
            self._buffer.put_nowait(Delivery(message, self._unsettled))
            return
        headers = message.headers or {}
        status = headers.get("Status", "")
        if status == _HEARTBEAT:
            return
        if status not in _ORDINARY_ENDS:
            log.info("pull_ended", consumer=self.name, status=status, description=headers.get("Description"))
        if status == _NO_RESPONDERS:
            # Nobody answers for the consumer: it was deleted, or JetStream is starting. Begin anew.
            self._pulls.distrust()
        else:
            self._pulls.end(message.subject)
        self._room.set()
