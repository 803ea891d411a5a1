"""`WS /ws`: notifications over a WebSocket.

Two tasks for each connection: one reads what the client says, the other writes what it is told, in one order.
"""

import asyncio
from contextlib import aclosing, suppress

import msgspec
import structlog
from litestar.types import Receive, Scope, Send

from gateway.notifications import messages
from gateway.notifications.admission import Wish, check_number, check_topics, read_query, read_since, verify
from gateway.notifications.endings import (
    DEFECT,
    SILENT,
    SLOW_READER,
    TOO_MANY_MESSAGES,
    UNAVAILABLE,
    Ending,
    Refused,
    bad_request,
    forbidden,
)
from gateway.notifications.hub import Hub
from gateway.notifications.messages import Authenticate, Ping, Subscribe, Unsubscribe, decode_message
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.subscriber import Subscriber
from gateway.notifications.telemetry import NotificationTelemetry
from gateway.notifications.topics import check_topic
from pipeline.chassis.problems import Problem
from pipeline.chassis.tokens import Bearer, TokenVerifier
from pipeline.errors import StreamUnavailable

log = structlog.get_logger()

PROTOCOL = "sluice.v1"
"""The subprotocol that a client names beside its token: what is chosen is sent back, and a token never is."""
_BEARER = "bearer."
_MESSAGES_PER_SECOND = 30


class WebSocketDoor:
    """The ASGI application behind `/ws`."""

    def __init__(
        self,
        hub: Hub,
        verifier: TokenVerifier,
        settings: NotificationSettings,
        telemetry: NotificationTelemetry,
    ) -> None:
        self.hub = hub
        self.verifier = verifier
        self.settings = settings
        self.telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.verifier.is_configured:
            detail = "Neither JWT_SECRET nor JWT_PUBLIC_KEYS_FILE is set: this door is closed."
            raise Problem(503, "not-configured", detail)
        with suppress(OSError):  # the client has gone
            await _Session(self, receive, send).run(scope)


class _Gone(Exception):
    """The client has closed the connection."""


class _Session:
    def __init__(self, door: WebSocketDoor, receive: Receive, send: Send) -> None:
        self._door = door
        self._receive = receive
        self._send = send
        self._writer: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._second = 0.0
        self._messages = 0

    async def run(self, scope: Scope) -> None:
        """From the handshake to the end."""
        await self._receive()
        offered: list[str] = scope.get("subprotocols", [])  # type: ignore[attr-defined]
        chosen = PROTOCOL if PROTOCOL in offered else None
        await self._send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
        try:
            subscriber = await self._admit(scope, offered)
        except Refused as refused:
            self._door.telemetry.refused("websocket", refused.ending)
            await self._send_close(refused.ending)
            return
        except _Gone:
            return
        self._writer = asyncio.create_task(self._write(subscriber))
        try:
            while True:
                self._answer(subscriber, await self._next_message())
        except _Gone:
            pass
        except Refused as refused:
            subscriber.end(refused.ending)
        finally:
            self._door.hub.leave(subscriber)
            self._writer.cancel()
            if self._closing is not None:
                await self._closing

    async def _admit(self, scope: Scope, offered: list[str]) -> Subscriber:
        """Raises Refused, and _Gone."""
        door = self._door
        wish = read_query(scope["query_string"])
        token = next((name.removeprefix(_BEARER) for name in offered if name.startswith(_BEARER)), "")
        if not token:
            first = await self._first_message()
            token = first.token
            since = read_since(first.since)
            wish = Wish((*wish.topics, *first.topics), wish.since if since is None else since)
        bearer = verify(token, door.verifier)
        topics = check_topics(wish.topics, bearer, door.settings)
        subscriber = Subscriber(bearer, door.settings.notification_queue_max, self._on_end)
        await door.hub.join(subscriber, topics, wish.since)
        return subscriber

    async def _first_message(self) -> Authenticate:
        try:
            async with asyncio.timeout(self._door.settings.notification_token_seconds):
                message = await self._next_message()
        except TimeoutError:
            raise Refused(SILENT) from None
        if not isinstance(message, Authenticate):
            raise Refused(bad_request("the first message is auth, with a token"))
        return message

    async def _next_message(self) -> Authenticate | Subscribe | Unsubscribe | Ping:
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            raise _Gone
        now = asyncio.get_running_loop().time()
        if now - self._second >= 1:
            self._second, self._messages = now, 0
        self._messages += 1
        if self._messages > _MESSAGES_PER_SECOND:
            raise Refused(TOO_MANY_MESSAGES)
        text = received.get("text")
        if text is None:
            raise Refused(bad_request("messages are JSON texts"))
        try:
            return decode_message(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Refused(bad_request(f"the message is not understood: {error}"[:120])) from None

    def _answer(self, subscriber: Subscriber, message: Authenticate | Subscribe | Unsubscribe | Ping) -> None:
        """A wish that is refused is answered with an error, and the connection goes on."""
        hub, settings = self._door.hub, self._door.settings
        match message:
            case Ping():
                subscriber.offer(messages.pong(subscriber.reached(hub.sequence)))
            case Subscribe(topic):
                try:
                    check_topic(topic, subscriber.bearer)
                    # One of the subjects is the user's own.
                    check_number(len({*subscriber.subjects.values(), topic}) - 1, settings)
                except Refused as refused:
                    subscriber.offer(messages.error(refused.ending, topic=topic))
                else:
                    hub.follow(subscriber, topic)
                    subscriber.offer(messages.confirmed("subscribed", topic=topic))
            case Unsubscribe(topic):
                hub.unfollow(subscriber, topic)
                subscriber.offer(messages.confirmed("unsubscribed", topic=topic))
            case Authenticate(token):
                try:
                    self._renew(subscriber, verify(token, self._door.verifier))
                except Refused as refused:
                    subscriber.offer(messages.error(refused.ending))

    def _renew(self, subscriber: Subscriber, bearer: Bearer) -> None:
        """A new token of the same user. What it does not allow any more is not told any more."""
        if bearer.user_id != subscriber.bearer.user_id:
            raise Refused(forbidden("the token is another user's"))
        subscriber.bearer = bearer
        for topic in filter(None, tuple(subscriber.subjects.values())):
            try:
                check_topic(topic, bearer)
            except Refused:
                self._door.hub.unfollow(subscriber, topic)
        expires_at = round(bearer.expires_at)
        subscriber.offer(messages.confirmed("authenticated", expiresAt=expires_at))

    async def _write(self, subscriber: Subscriber) -> None:
        hub, slow_seconds = self._door.hub, self._door.settings.notification_slow_seconds
        try:
            async with aclosing(subscriber.messages(hub.read_missed, lambda: hub.sequence)) as outgoing:
                async for message in outgoing:
                    async with asyncio.timeout(slow_seconds):
                        await self._send({"type": "websocket.send", "text": message.text, "bytes": None})
        except TimeoutError:
            subscriber.end(SLOW_READER)
        except StreamUnavailable:
            subscriber.end(UNAVAILABLE)
        except OSError:
            return  # the client has gone, and its reader is told so, too
        except Exception:
            log.exception("notification_defect")
            subscriber.end(DEFECT)

    def _on_end(self, ending: Ending) -> None:
        self._closing = asyncio.create_task(self._close(ending))

    async def _close(self, ending: Ending) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        await self._send_close(ending)

    async def _send_close(self, ending: Ending) -> None:
        with suppress(OSError):  # the client was first
            await self._send({"type": "websocket.close", "code": ending.code, "reason": ending.reason})
