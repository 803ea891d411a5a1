"""Which path is a WebSocket, and what a client is told at one that is none.

Litestar's own handlers would do, at the price of several objects for each connection; thousands of connections that
mostly wait are better off with a function.
"""

from collections.abc import Mapping

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from pipeline.chassis.problems import MEDIA_TYPE, Problem, describe


def with_websockets(app: ASGIApp, routes: Mapping[str, ASGIApp]) -> ASGIApp:
    """The app with WebSockets at these paths. Before it accepts, a route may raise Problem to refuse the handshake."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await app(scope, receive, send)
            return
        try:
            if scope["path"] not in routes:
                raise Problem(404, "not-found", "There is no WebSocket at this path.")
            await routes[scope["path"]](scope, receive, send)
        except Problem as problem:
            await _refuse(problem, send)

    return dispatch


async def _refuse(problem: Problem, send: Send) -> None:
    body = msgspec.json.encode(describe(problem))
    fields = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **problem.headers}
    headers = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
