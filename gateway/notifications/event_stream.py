"""`GET /notifications/stream`: notifications as server-sent events, for whom a WebSocket is too much."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from litestar import Request, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.actions.bearer import authenticate
from gateway.notifications import messages
from gateway.notifications.admission import check_topics, read_query, read_since
from gateway.notifications.endings import UNAVAILABLE, Ending, Refused
from gateway.notifications.hub import Hub
from gateway.notifications.messages import HEARTBEAT, Outgoing
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.subscriber import Subscriber
from gateway.notifications.telemetry import NotificationTelemetry
from pipeline.chassis.concurrency import first_of
from pipeline.chassis.problems import Problem, ProblemDetail
from pipeline.chassis.tokens import TokenVerifier
from pipeline.errors import StreamUnavailable

_MEDIA_TYPE = "text/event-stream"
_HEADERS = (
    (b"content-type", _MEDIA_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx keeps nothing back
)
_RECONNECT_MS = 2000
_STATUS = {4400: 400, 4401: 401, 4403: 403, 4404: 404, 4429: 429}
"""What a close code is over HTTP; everything else is 503: come back."""
_DESCRIPTION = (
    "Events `ready`, `notification`, `gap` and `close`, each with JSON as its data. `Last-Event-ID` resumes after the "
    "last notification that was seen. docs/notifications.md tells more."
)

Topics = Annotated[
    list[str] | None, QueryParameter(name="topic", description="`post:<id>` or `alerts`; several")
]
Since = Annotated[
    str | None, QueryParameter(name="since", description="As Last-Event-ID, which wins over it")
]
LastEventId = Annotated[
    str | None, HeaderParameter(name="Last-Event-ID", description="The `id` of the last notification seen")
]


class EventStreamDoor:
    """The route and what is behind it."""

    def __init__(
        self,
        hub: Hub,
        verifier: TokenVerifier,
        settings: NotificationSettings,
        telemetry: NotificationTelemetry,
    ) -> None:
        self._hub = hub
        self._verifier = verifier
        self._settings = settings
        self._telemetry = telemetry
        self._open = 0

    def router(self) -> Router:
        """For Litestar."""

        @get(
            "/stream",
            summary="Notifications as they happen (server-sent events)",
            response_description="Events, for as long as the client stays",
            description=_DESCRIPTION,
            media_type=_MEDIA_TYPE,
            responses=_RESPONSES,
        )
        async def stream(
            request: Request[Any, Any, Any],
            topic: Topics = None,
            since: Since = None,
            last_event_id: LastEventId = None,
        ) -> ASGIApp:
            # Litestar's own streams leave it to the garbage collector to end what a client has left.
            return partial(self._serve, request.headers, last_event_id)

        return Router("/notifications", route_handlers=[stream], tags=["notifications"])

    async def _serve(
        self,
        headers: Mapping[str, str],
        last_event_id: str | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """The answer, from its status to its end. Raises Problem before it has begun."""
        self._open += 1
        try:
            subscriber = await self._admit(headers, last_event_id, scope["query_string"])
            try:
                await self._answer(subscriber, scope, receive, send)
            finally:
                self._hub.leave(subscriber)
        finally:
            self._open -= 1

    async def _answer(self, subscriber: Subscriber, scope: Scope, receive: Receive, send: Send) -> None:
        # Put there by our server; a test client has none.
        if connection := scope["state"].get("connection"):
            connection.will_stream()
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        writing = asyncio.create_task(self._write(subscriber, send))
        try:
            await first_of(asyncio.wait({writing}), _gone(receive))
            if writing.done():
                await writing
        finally:
            writing.cancel()

    async def _admit(
        self, headers: Mapping[str, str], last_event_id: str | None, query_string: bytes
    ) -> Subscriber:
        """Raises Problem."""
        bearer = authenticate(headers, self._verifier)
        settings = self._settings
        try:
            wish = read_query(query_string)
            since = read_since(last_event_id) if last_event_id else wish.since
            topics = check_topics(wish.topics, bearer, settings)
            if self._open > settings.event_streams_max:
                raise Refused(UNAVAILABLE._replace(reason="too many event streams (EVENT_STREAMS_MAX)"))
            subscriber = Subscriber(
                bearer,
                settings.notification_queue_max,
                lambda _ending: None,  # the writer sees it by itself
                heartbeat_seconds=settings.event_stream_heartbeat_seconds,
            )
            await self._hub.join(subscriber, topics, since)
        except Refused as refused:
            self._telemetry.refused("event_stream", refused.ending)
            raise _problem(refused.ending) from None
        return subscriber

    async def _write(self, subscriber: Subscriber, send: Send) -> None:
        hub = self._hub

        async def say(text: str, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": more})

        await say(f"retry: {_RECONNECT_MS}\n\n")
        try:
            async with aclosing(subscriber.messages(hub.read_missed, lambda: hub.sequence)) as outgoing:
                async for message in outgoing:
                    await say(_as_event(message))
        except StreamUnavailable:
            subscriber.end(UNAVAILABLE)
        last = messages.closing(subscriber.ending or UNAVAILABLE)
        await say(_as_event(last), more=False)


async def _gone(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _as_event(message: Outgoing) -> str:
    identity = f"id: {message.position}\n" if message.position is not None else ""
    if message.event == HEARTBEAT:
        return f": {HEARTBEAT}\n{identity}\n"
    return f"{identity}event: {message.event}\ndata: {message.text}\n\n"


def _problem(ending: Ending) -> Problem:
    status = _STATUS.get(ending.code, 503)
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return Problem(status, ending.name.replace("_", "-"), ending.reason, headers=headers)


_MEANINGS = {
    400: "A topic, or an id, that is not understood; or a token in the address.",
    401: "No token, or one that is not accepted.",
    403: "The token does not allow one of the topics.",
    404: "There is no such topic.",
    429: "Too many connections of this user.",
    503: "No key to verify tokens with is set, or JetStream is away: come back.",
}
_RESPONSES = {
    status: ResponseSpec(ProblemDetail, description=meaning, generate_examples=False)
    for status, meaning in _MEANINGS.items()
}
